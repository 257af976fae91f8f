// A library that stands in for NVIDIA's: two GPUs that say what the file $OCELLUS_FAKE_NVML says.
// Its lines: `memory GPU BYTES`, `energy GPU MILLIJOULES`, `xid GPU NUMBER` (one error each, told
// once in this process), `refuse CODE` (nvmlInit fails), `silent` (no energy, clocks, temperature).
// Without the file energy rises at 500 W a GPU.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int kOk = 0, kInvalid = 2, kNotSupported = 3, kTimeout = 10;
constexpr unsigned kGpus = 2;
constexpr unsigned long long kTotalBytes = 150754820096;  // as an H200 has
int devices[kGpus];
int event_set;
size_t errors_told = 0;

std::vector<std::vector<std::string>> Lines() {
  const char* path = std::getenv("OCELLUS_FAKE_NVML");
  std::ifstream file(path ? path : "");
  std::vector<std::vector<std::string>> lines;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    lines.emplace_back();
    for (std::string word; words >> word;) lines.back().push_back(word);
  }
  return lines;
}

bool Said(const std::string& what) {
  for (const auto& line : Lines()) {
    if (!line.empty() && line[0] == what) return true;
  }
  return false;
}

unsigned long long Value(const std::string& what, int gpu, unsigned long long otherwise) {
  for (const auto& line : Lines()) {
    if (line.size() == 3 && line[0] == what && line[1] == std::to_string(gpu)) {
      return std::stoull(line[2]);
    }
  }
  return otherwise;
}

int IndexOf(void* device) { return static_cast<int>(static_cast<int*>(device) - devices); }

unsigned long long RisingEnergy() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count() * 500ULL;
}

}  // namespace

extern "C" {

struct Memory {
  unsigned long long total, free, used;
};
struct EventData {
  void* device;
  unsigned long long type, data;
  unsigned gpu_instance, compute_instance;
};

int nvmlInit_v2() {
  for (const auto& line : Lines()) {
    if (line.size() == 2 && line[0] == "refuse") return std::stoi(line[1]);
  }
  return kOk;
}
int nvmlShutdown() { return kOk; }
const char* nvmlErrorString(int code) {
  return code == 18 ? "Driver/library version mismatch" : "Unknown Error";
}
int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = kGpus;
  return kOk;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  if (index >= kGpus) return kInvalid;
  *device = &devices[index];
  return kOk;
}
int nvmlDeviceGetUUID(void* device, char* uuid, unsigned length) {
  std::snprintf(uuid, length, "GPU-fake-%d", IndexOf(device));
  return kOk;
}
int nvmlDeviceGetMemoryInfo(void* device, Memory* memory) {
  memory->total = kTotalBytes;
  memory->used = Value("memory", IndexOf(device), 10ULL << 30);
  memory->free = memory->total - memory->used;
  return kOk;
}
int nvmlDeviceGetTotalEnergyConsumption(void* device, unsigned long long* millijoules) {
  if (Said("silent")) return kNotSupported;
  *millijoules = Value("energy", IndexOf(device), RisingEnergy());
  return kOk;
}
int nvmlDeviceGetClockInfo(void*, unsigned type, unsigned* mhz) {
  if (Said("silent")) return kNotSupported;
  *mhz = type == 1 ? 1980 : 3201;
  return kOk;
}
int nvmlDeviceGetTemperature(void*, unsigned, unsigned* celsius) {
  if (Said("silent")) return kNotSupported;
  *celsius = 45;
  return kOk;
}
int nvmlEventSetCreate(void** set) {
  *set = &event_set;
  return kOk;
}
int nvmlEventSetFree(void*) { return kOk; }
int nvmlDeviceRegisterEvents(void*, unsigned long long type, void*) {
  return type == 0x8 ? kOk : kInvalid;
}
int nvmlEventSetWait_v2(void*, EventData* event, unsigned timeout_ms) {
  size_t seen = 0;
  for (const auto& line : Lines()) {
    if (line.size() != 3 || line[0] != "xid" || seen++ < errors_told) continue;
    ++errors_told;
    *event = {&devices[std::stoi(line[1])], 0x8, std::stoull(line[2]), 0, 0};
    return kOk;
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(timeout_ms));
  return kTimeout;
}

}  // extern "C"
