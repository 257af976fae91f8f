// The series of one process and their /metrics page. Thread-safe.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/base/metric_names.h"
#include "prometheus/counter.h"
#include "prometheus/exposer.h"
#include "prometheus/gauge.h"
#include "prometheus/histogram.h"
#include "prometheus/registry.h"

namespace ocellus::coordinator {

class Metrics {
 public:
  using Labels = std::map<std::string, std::string>;

  Metrics();
  // The series with these labels, made at 0 when new. The reference holds until Forget.
  prometheus::Counter& Counter(const Metric& metric, const Labels& labels = {});
  prometheus::Gauge& Gauge(const Metric& metric, const Labels& labels = {});
  prometheus::Histogram& Histogram(const Metric& metric, const Labels& labels = {});

  // Sets the gauges of `metric` to `values` and removes its other series.
  void SetGauges(const Metric& metric, const std::map<Labels, double>& values);

  // Removes every series that has this label: those of a job that is gone. Whoever kept a reference
  // to one of them must have dropped it.
  void Forget(const std::string& label, const std::string& value);

  std::shared_ptr<prometheus::Registry> registry() const { return registry_; }

 private:
  struct Series {
    Labels labels;
    std::function<void()> remove;
  };
  void Remember(const Metric& metric, const void* series, const Labels& labels,
                std::function<void()> remove);

  std::shared_ptr<prometheus::Registry> registry_;
  std::mutex mutex_;
  std::map<std::pair<std::string, const void*>, Series> series_;  // by metric name and address
};

// ocellus_build_info of this program.
void SetBuildInfo(Metrics* metrics);

// Serves /metrics on `address` ("127.0.0.1:0" picks a port).
class MetricsServer {
 public:
  // FAILED_PRECONDITION when the port is in use; the message names --metrics-listen.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& address,
                                                              const Metrics& metrics);
  const std::string& address() const { return address_; }

 private:
  std::unique_ptr<prometheus::Exposer> exposer_;
  std::string address_;
};

}  // namespace ocellus::coordinator
