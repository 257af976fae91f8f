// Ocellus's side of tools/bench/checkpoint: holds a state and saves it when it is told to.
//
//   ocellus-bench-checkpoint FOLDER BYTES...     one tensor of each size; says "ready"
//   stdin "save NAME"   ->  "STALL_CPU_S STALL_S DURABLE_S BYTES": CPU and wall seconds until the
//                           caller goes on, wall seconds until every byte is durable and committed
#include <sys/resource.h>
#include <time.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

#include "worker/checkpoint/snapshot.h"
#include "worker/checkpoint/writer.h"

namespace ocellus {
namespace {

using Clock = std::chrono::steady_clock;

double Seconds(Clock::time_point since) {
  return std::chrono::duration<double>(Clock::now() - since).count();
}

double ThreadSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
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

int Run(int argc, char** argv) {
  std::vector<std::vector<float>> state;
  for (int i = 2; i < argc; ++i) {
    std::vector<float>& values = state.emplace_back(std::strtoull(argv[i], nullptr, 10) / 4);
    std::iota(values.begin(), values.end(), static_cast<float>(i));
  }
  const auto store = store::OpenStore(argv[1]);
  const checkpoint::FileSources sources = SourcesOf(state);
  checkpoint::Snapshot snapshot;
  checkpoint::Writer writer(store.get());
  std::cout << "ready" << std::endl;
  std::string command, name;
  while (std::cin >> command >> name) {
    const auto start = Clock::now();
    const double cpu = ThreadSeconds();
    snapshot.Take(sources);
    writer.Start(&snapshot, {.job = "bench", .step = 1, .document = nlohmann::json::object()},
                 name + "/");
    const double stall_cpu = ThreadSeconds() - cpu, stall = Seconds(start);
    const auto written = writer.Wait();
    if (!written->ok() || !checkpoint::Commit(*store, name + "/", written->manifest)) {
      std::fprintf(stderr, "%s\n", written->failure.c_str());
      return 1;
    }
    std::printf("%.6f %.6f %.6f %lld\n", stall_cpu, stall, Seconds(start),
                static_cast<long long>(written->bytes));
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace
}  // namespace ocellus

int main(int argc, char** argv) { return argc < 3 ? 2 : ocellus::Run(argc, argv); }
