#include "worker/agent/nvml.h"

#include <dlfcn.h>

#include <cstdlib>
#include <thread>

#include "absl/strings/str_cat.h"
#include "coordinator/base/status_macros.h"

namespace ocellus::agent {
namespace {

// Of nvml.h, whose layout is fixed for each versioned name.
constexpr int kSuccess = 0;
constexpr unsigned kUuidBytes = 96;
constexpr unsigned kSmClock = 1;
constexpr unsigned kMemoryClock = 2;
constexpr unsigned kTemperatureOfGpu = 0;
constexpr unsigned long long kXidEvent = 0x8;

struct Memory {
  unsigned long long total;
  unsigned long long free;
  unsigned long long used;
};

struct EventData {
  void* device;
  unsigned long long type;
  unsigned long long data;
  unsigned gpu_instance;
  unsigned compute_instance;
};

}  // namespace

struct Nvml::Library {
  void* handle = nullptr;
  bool begun = false;
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  const char* (*error_string)(int) = nullptr;
  int (*count)(unsigned*) = nullptr;
  int (*device)(unsigned, void**) = nullptr;
  int (*uuid)(void*, char*, unsigned) = nullptr;
  int (*memory)(void*, Memory*) = nullptr;
  int (*energy)(void*, unsigned long long*) = nullptr;
  int (*clock)(void*, unsigned, unsigned*) = nullptr;
  int (*temperature)(void*, unsigned, unsigned*) = nullptr;
  int (*make_events)(void**) = nullptr;
  int (*free_events)(void*) = nullptr;
  int (*watch)(void*, unsigned long long, void*) = nullptr;
  int (*wait)(void*, EventData*, unsigned) = nullptr;

  template <typename Function>
  bool Find(const char* name, Function** function) {
    *function = reinterpret_cast<Function*>(dlsym(handle, name));
    return *function != nullptr;
  }

  // Whether all that is needed is there; what is missing beyond that stays null.
  bool FindAll() {
    Find("nvmlDeviceGetTotalEnergyConsumption", &energy);
    Find("nvmlDeviceGetClockInfo", &clock);
    Find("nvmlDeviceGetTemperature", &temperature);
    Find("nvmlEventSetCreate", &make_events);
    Find("nvmlEventSetFree", &free_events);
    Find("nvmlDeviceRegisterEvents", &watch);
    Find("nvmlEventSetWait_v2", &wait);
    return Find("nvmlInit_v2", &init) && Find("nvmlShutdown", &shutdown) &&
           Find("nvmlErrorString", &error_string) && Find("nvmlDeviceGetCount_v2", &count) &&
           Find("nvmlDeviceGetHandleByIndex_v2", &device) && Find("nvmlDeviceGetUUID", &uuid) &&
           Find("nvmlDeviceGetMemoryInfo", &memory);
  }

  absl::Status Check(const char* what, int code) const {
    if (code == kSuccess) return absl::OkStatus();
    return absl::UnavailableError(absl::StrCat("NVML cannot ", what, ": ", error_string(code)));
  }

  ~Library() {
    if (begun) shutdown();
    if (handle != nullptr) dlclose(handle);
  }
};

Nvml::Nvml() : library_(std::make_unique<Library>()) {}

Nvml::~Nvml() {
  if (events_ != nullptr) library_->free_events(events_);
}

std::string Nvml::DefaultLibrary() {
  const char* chosen = std::getenv("OCELLUS_NVML");
  return chosen != nullptr ? chosen : "libnvidia-ml.so.1";
}

absl::StatusOr<std::unique_ptr<Nvml>> Nvml::Open(const std::string& library) {
  std::unique_ptr<Nvml> nvml(new Nvml);
  Library& lib = *nvml->library_;
  lib.handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (lib.handle == nullptr) return absl::NotFoundError(absl::StrCat("no ", library));
  if (!lib.FindAll()) {
    return absl::UnavailableError(absl::StrCat(library, " is not NVML, or too old"));
  }
  OCELLUS_RETURN_IF_ERROR(lib.Check("start", lib.init()));
  lib.begun = true;
  OCELLUS_RETURN_IF_ERROR(nvml->FindGpus());
  nvml->WatchForErrors();
  return nvml;
}

absl::Status Nvml::FindGpus() {
  unsigned count = 0;
  OCELLUS_RETURN_IF_ERROR(library_->Check("count GPUs", library_->count(&count)));
  for (unsigned i = 0; i < count; ++i) {
    Gpu gpu;
    OCELLUS_RETURN_IF_ERROR(library_->Check("open a GPU", library_->device(i, &gpu.device)));
    char uuid[kUuidBytes] = {};
    OCELLUS_RETURN_IF_ERROR(
        library_->Check("name a GPU", library_->uuid(gpu.device, uuid, kUuidBytes)));
    gpu.uuid = uuid;
    gpus_.push_back(gpu);
  }
  return absl::OkStatus();
}

void Nvml::WatchForErrors() {
  const Library& lib = *library_;
  if (!lib.make_events || !lib.free_events || !lib.watch || !lib.wait) return;
  if (lib.make_events(&events_) != kSuccess) {
    events_ = nullptr;
    return;
  }
  // A GPU that does not report errors is no reason to miss those of the others.
  for (const Gpu& gpu : gpus_) lib.watch(gpu.device, kXidEvent, events_);
}

std::vector<GpuReading> Nvml::Read() const {
  const Library& lib = *library_;
  const auto clock = [&](void* device, unsigned type) -> std::optional<uint32_t> {
    unsigned mhz = 0;
    if (!lib.clock || lib.clock(device, type, &mhz) != kSuccess) return std::nullopt;
    return mhz;
  };
  std::vector<GpuReading> all;
  for (const Gpu& gpu : gpus_) {
    GpuReading reading;
    reading.gpu = static_cast<int>(all.size());
    reading.uuid = gpu.uuid;
    Memory memory{};
    if (lib.memory(gpu.device, &memory) == kSuccess) {
      reading.memory_used_bytes = memory.used;
      reading.memory_total_bytes = memory.total;
    }
    unsigned long long energy = 0;
    if (lib.energy && lib.energy(gpu.device, &energy) == kSuccess) {
      reading.energy_millijoules = energy;
    }
    reading.sm_clock_mhz = clock(gpu.device, kSmClock);
    reading.memory_clock_mhz = clock(gpu.device, kMemoryClock);
    unsigned celsius = 0;
    if (lib.temperature && lib.temperature(gpu.device, kTemperatureOfGpu, &celsius) == kSuccess) {
      reading.temperature_celsius = celsius;
    }
    all.push_back(reading);
  }
  return all;
}

std::optional<XidError> Nvml::WaitForXid(Millis patience) const {
  EventData event{};
  if (events_ == nullptr) {
    std::this_thread::sleep_for(patience);
    return std::nullopt;
  }
  const auto begun = SteadyClock::now();
  const int code = library_->wait(events_, &event, static_cast<unsigned>(patience.count()));
  if (code != kSuccess) {
    // Beside a time-out: an error at once, which must not become a busy loop.
    std::this_thread::sleep_until(begun + patience);
    return std::nullopt;
  }
  for (size_t i = 0; i < gpus_.size(); ++i) {
    if (gpus_[i].device == event.device) return XidError{static_cast<int>(i), event.data};
  }
  return std::nullopt;
}

}  // namespace ocellus::agent
