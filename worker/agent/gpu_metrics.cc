#include "worker/agent/gpu_metrics.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/log.h"

namespace ocellus::agent {
namespace {

namespace metric = coordinator::metric;

constexpr double kHertzPerMegahertz = 1e6;
constexpr double kJoulesPerMillijoule = 1e-3;

}  // namespace

GpuMetrics::GpuMetrics(coordinator::Metrics* metrics, const Limits& limits,
                       const std::string& library)
    : metrics_(metrics) {
  auto nvml = Nvml::Open(library);
  if (!nvml.ok()) {
    if (!absl::IsNotFound(nvml.status())) {
      coordinator::Log(coordinator::LogSeverity::kWarning, "gpu_metrics_off",
                       {{"why", std::string(nvml.status().message())}});
    }
    return;
  }
  nvml_ = *std::move(nvml);
  Publish();
  thread_ = std::thread([this, limits] { Loop(limits.gpu_wait, limits.gpu_read); });
}

GpuMetrics::~GpuMetrics() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void GpuMetrics::Loop(Millis wait, Millis read) {
  SteadyTime next = SteadyClock::now() + read;
  while (!stopping_) {
    if (const std::optional<XidError> error = nvml_->WaitForXid(wait)) {
      coordinator::Log(coordinator::LogSeverity::kError, "gpu_xid",
                       {{"gpu", error->gpu}, {"xid", error->xid}});
      metrics_
          ->Counter(metric::kGpuXid,
                    {{"gpu", absl::StrCat(error->gpu)}, {"xid", absl::StrCat(error->xid)}})
          .Increment();
    }
    if (SteadyClock::now() < next) continue;
    Publish();
    next = SteadyClock::now() + read;
  }
}

void GpuMetrics::Publish() {
  for (const GpuReading& reading : nvml_->Read()) {
    const coordinator::Metrics::Labels gpu = {{"gpu", absl::StrCat(reading.gpu)},
                                              {"uuid", reading.uuid}};
    const auto set = [&](const coordinator::Metric& of, const coordinator::Metrics::Labels& labels,
                         const auto& value, double unit) {
      if (value) metrics_->Gauge(of, labels).Set(static_cast<double>(*value) * unit);
    };
    set(metric::kGpuMemory, gpu, reading.memory_used_bytes, 1);
    set(metric::kGpuMemoryTotal, gpu, reading.memory_total_bytes, 1);
    set(metric::kGpuTemperature, gpu, reading.temperature_celsius, 1);
    auto clock = gpu;
    clock["clock"] = "sm";
    set(metric::kGpuClock, clock, reading.sm_clock_mhz, kHertzPerMegahertz);
    clock["clock"] = "memory";
    set(metric::kGpuClock, clock, reading.memory_clock_mhz, kHertzPerMegahertz);
    CountEnergy(reading);
  }
}

void GpuMetrics::CountEnergy(const GpuReading& reading) {
  if (!reading.energy_millijoules) return;
  const uint64_t total = *reading.energy_millijoules;
  uint64_t& seen = energy_seen_[reading.gpu];
  // A driver that was loaded anew counts from 0 again.
  const uint64_t used = total < seen ? total : total - seen;
  seen = total;
  metrics_
      ->Counter(metric::kGpuEnergy, {{"gpu", absl::StrCat(reading.gpu)}, {"uuid", reading.uuid}})
      .Increment(static_cast<double>(used) * kJoulesPerMillijoule);
}

}  // namespace ocellus::agent
