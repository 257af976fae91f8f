// Ocellus's side of tools/bench/checkpoint: holds a state and saves it when it is told to.
//
//   ocellus-bench-checkpoint STORE BYTES...      one tensor of each size; says "ready"
//   stdin "save NAME"   ->  "STALL_CPU_S STALL_S DURABLE_S CPU_S BYTES": CPU and wall seconds until
//                           the caller goes on; wall and all threads' CPU seconds until every byte
//                           is durable and committed
//   stdin "steps NAME"  ->  "ALONE_S BESIDE_S STEPS": CPU seconds of a step of computing before,
//                           and while a state is written; medians, and how many fitted
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "worker/checkpoint/slices.h"
#include "worker/checkpoint/snapshot.h"
#include "worker/checkpoint/writer.h"

namespace ocellus {
namespace {

using Clock = std::chrono::steady_clock;

double Seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

double CpuSeconds(clockid_t whose) {
  timespec now{};
  clock_gettime(whose, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

checkpoint::FileSources SourcesOf(const std::vector<std::vector<float>>& state) {
  checkpoint::FileSource file;
  for (size_t i = 0; i < state.size(); ++i) {
    const std::vector<float>* values = &state[i];
    file.tensors.push_back(
        {"tensor." + std::to_string(i),
         "F32",
         {static_cast<int64_t>(values->size())},
         [values](std::span<std::byte> to) { std::memcpy(to.data(), values->data(), to.size()); }});
  }
  return {{checkpoint::kModelName, std::move(file)}};
}

// One product of matrices: what a step of training is made of.
double StepSeconds() {
  constexpr size_t kSize = 256;
  static std::vector<float> a(kSize * kSize, 1.5f), b(kSize * kSize, 0.5f), c(kSize * kSize);
  const double start = CpuSeconds(CLOCK_THREAD_CPUTIME_ID);
  for (size_t i = 0; i < kSize; ++i) {
    for (size_t k = 0; k < kSize; ++k) {
      const float factor = a[i * kSize + k];
      for (size_t j = 0; j < kSize; ++j) c[i * kSize + j] += factor * b[k * kSize + j];
    }
  }
  return CpuSeconds(CLOCK_THREAD_CPUTIME_ID) - start;
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::nth_element(values.begin(), values.begin() + static_cast<ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

class Side {
 public:
  Side(const char* place, const std::vector<std::vector<float>>& state)
      : store_(store::OpenStore(place)),
        sources_(checkpoint::SlicesOf(SourcesOf(state), 0, 1, store_->portions())),
        writer_(store_.get()) {
    snapshot_.Reserve(sources_);
  }

  // False, told on stderr, when a write failed.
  bool Save(const std::string& name) {
    const auto start = Clock::now();
    const double cpu = CpuSeconds(CLOCK_PROCESS_CPUTIME_ID);
    const double own = CpuSeconds(CLOCK_THREAD_CPUTIME_ID);
    Start(name);
    const double stall_cpu = CpuSeconds(CLOCK_THREAD_CPUTIME_ID) - own, stall = Seconds(start);
    const int64_t bytes = Finish(name);
    if (bytes < 0) return false;
    std::printf("%.6f %.6f %.6f %.6f %lld\n", stall_cpu, stall, Seconds(start),
                CpuSeconds(CLOCK_PROCESS_CPUTIME_ID) - cpu, static_cast<long long>(bytes));
    return true;
  }

  bool Steps(const std::string& name) {
    constexpr int kAlone = 200;
    std::vector<double> alone, beside;
    for (int i = 0; i < kAlone; ++i) alone.push_back(StepSeconds());
    Start(name);
    std::optional<checkpoint::WriteResult> written;
    while (!(written = writer_.Poll())) beside.push_back(StepSeconds());
    std::printf("%.9f %.9f %zu\n", Median(alone), Median(beside), beside.size());
    return written->ok();
  }

 private:
  void Start(const std::string& name) {
    snapshot_.Take(sources_);
    writer_.Start(&snapshot_, {.job = "bench", .step = 1, .document = nlohmann::json::object()},
                  name + "/");
  }
  int64_t Finish(const std::string& name) {
    const auto written = writer_.Wait();
    if (written->ok() && checkpoint::Commit(*store_, name + "/", written->manifest)) {
      return written->bytes;
    }
    std::fprintf(stderr, "%s\n", written->failure.c_str());
    return -1;
  }

  std::unique_ptr<store::ObjectStore> store_;
  checkpoint::FileSources sources_;
  checkpoint::Snapshot snapshot_;
  checkpoint::Writer writer_;
};

int Run(int argc, char** argv) {
  std::vector<std::vector<float>> state;
  for (int i = 2; i < argc; ++i) {
    std::vector<float>& values = state.emplace_back(std::strtoull(argv[i], nullptr, 10) / 4);
    std::iota(values.begin(), values.end(), static_cast<float>(i));
  }
  Side side(argv[1], state);
  std::cout << "ready" << std::endl;
  std::string command, name;
  while (std::cin >> command >> name) {
    if (!(command == "steps" ? side.Steps(name) : side.Save(name))) return 1;
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace ocellus

int main(int argc, char** argv) { return argc < 3 ? 2 : ocellus::Run(argc, argv); }
