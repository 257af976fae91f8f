// The series of /metrics that show GPUs, read by one thread of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <thread>

#include "coordinator/base/metrics.h"
#include "worker/agent/limits.h"
#include "worker/agent/nvml.h"

namespace ocellus::agent {

class GpuMetrics {
 public:
  // Begins to read with `library` (Nvml::Open). On a machine without it there are no series; a
  // driver that refuses is logged. `metrics` outlives this.
  GpuMetrics(coordinator::Metrics* metrics, const Limits& limits, const std::string& library);
  // Waits for the thread, up to Limits::gpu_wait.
  ~GpuMetrics();

 private:
  void Loop(Millis wait, Millis read);
  void Publish();
  void CountEnergy(const GpuReading& reading);

  coordinator::Metrics* metrics_;
  std::unique_ptr<Nvml> nvml_;
  std::map<int, uint64_t> energy_seen_;  // millijoules, by GPU
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace ocellus::agent
