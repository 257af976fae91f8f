#include "coordinator/base/metrics.h"

#include <exception>

#include "absl/strings/str_cat.h"
#include "coordinator/base/endpoint_file.h"
#include "coordinator/base/protocol.h"

namespace ocellus::coordinator {
namespace {

constexpr int kExposerThreads = 2;

}  // namespace

Metrics::Metrics() : registry_(std::make_shared<prometheus::Registry>()) {}

prometheus::Counter& Metrics::Counter(const Metric& metric, const Labels& labels) {
  auto& family =
      prometheus::BuildCounter().Name(metric.name).Help(metric.help).Register(*registry_);
  auto& series = family.Add(labels);
  Remember(metric, &series, labels, [&family, &series] { family.Remove(&series); });
  return series;
}

prometheus::Gauge& Metrics::Gauge(const Metric& metric, const Labels& labels) {
  auto& family = prometheus::BuildGauge().Name(metric.name).Help(metric.help).Register(*registry_);
  auto& series = family.Add(labels);
  Remember(metric, &series, labels, [&family, &series] { family.Remove(&series); });
  return series;
}

prometheus::Histogram& Metrics::Histogram(const Metric& metric, const Labels& labels) {
  auto& family =
      prometheus::BuildHistogram().Name(metric.name).Help(metric.help).Register(*registry_);
  auto& series = family.Add(labels, metric.buckets);
  Remember(metric, &series, labels, [&family, &series] { family.Remove(&series); });
  return series;
}

void Metrics::Remember(const Metric& metric, const void* series, const Labels& labels,
                       std::function<void()> remove) {
  std::lock_guard lock(mutex_);
  series_.try_emplace({metric.name, series}, Series{labels, std::move(remove)});
}

void Metrics::SetGauges(const Metric& metric, const std::map<Labels, double>& values) {
  for (const auto& [labels, value] : values) {
    Gauge(metric, labels).Set(value);
  }
  std::lock_guard lock(mutex_);
  std::erase_if(series_, [&](auto& entry) {
    const bool gone = entry.first.first == metric.name && !values.contains(entry.second.labels);
    if (gone) {
      entry.second.remove();
    }
    return gone;
  });
}

void Metrics::Forget(const std::string& label, const std::string& value) {
  std::lock_guard lock(mutex_);
  std::erase_if(series_, [&](auto& entry) {
    const auto found = entry.second.labels.find(label);
    const bool gone = found != entry.second.labels.end() && found->second == value;
    if (gone) {
      entry.second.remove();
    }
    return gone;
  });
}

void SetBuildInfo(Metrics* metrics) {
  metrics->Gauge(metric::kBuildInfo, {{"version", kVersion}, {"commit", OCELLUS_COMMIT}}).Set(1);
}

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(const std::string& address,
                                                                    const Metrics& metrics) {
  auto server = std::make_unique<MetricsServer>();
  // The library's constructor throws when it cannot listen.
  try {
    server->exposer_ = std::make_unique<prometheus::Exposer>(address, kExposerThreads);
  } catch (const std::exception&) {
    return PortInUse(address, "--metrics-listen");
  }
  server->exposer_->RegisterCollectable(metrics.registry());
  const auto ports = server->exposer_->GetListeningPorts();
  server->address_ =
      absl::StrCat(address.substr(0, address.rfind(':')), ":", ports.empty() ? 0 : ports.front());
  return server;
}

}  // namespace ocellus::coordinator
