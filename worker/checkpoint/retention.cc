#include "worker/checkpoint/retention.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "worker/checkpoint/manifest.h"
#include "worker/wire/fault.h"

namespace ocellus::checkpoint {
namespace {

constexpr char kStepPart[] = "checkpoints/step-";

// The step in "<job_prefix>checkpoints/step-000000200/...", -1 when the key is something else.
int64_t StepOf(const std::string& key, size_t digits_at) {
  char* end = nullptr;
  const long long step = std::strtoll(key.c_str() + digits_at, &end, 10);
  return end != key.c_str() + digits_at && *end == '/' ? step : -1;
}

}  // namespace

std::vector<Candidate> ListCheckpoints(store::ObjectStore& store, const std::string& job_prefix) {
  const std::string start = job_prefix + kStepPart;
  const std::string ending = std::string("/") + kManifestName;
  std::vector<Candidate> found;
  for (const store::ObjectInfo& object : store.List(start)) {
    const int64_t step = StepOf(object.key, start.size());
    if (step < 0 || !object.key.ends_with(ending)) continue;
    found.push_back({step, object.key.substr(0, object.key.size() - (ending.size() - 1))});
  }
  std::sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) {
    return std::tie(b.step, b.prefix) < std::tie(a.step, a.prefix);
  });
  return found;
}

std::vector<Candidate> Expired(const std::vector<Candidate>& newest_first,
                               const RetentionPolicy& policy) {
  std::vector<Candidate> expired;
  const size_t kept = static_cast<size_t>(std::max<int64_t>(policy.keep, 1));
  for (size_t i = kept; i < newest_first.size(); ++i) {
    const int64_t step = newest_first[i].step;
    const bool landmark = policy.keep_every_steps > 0 && step % policy.keep_every_steps == 0;
    if (!landmark && !policy.best.contains(step)) expired.push_back(newest_first[i]);
  }
  return expired;
}

std::set<int64_t> BestSteps(store::ObjectStore& store, const std::vector<Candidate>& candidates,
                            const std::string& metric, size_t keep_best) {
  std::vector<std::pair<double, int64_t>> measured;  // the least first
  const double sign = metric == "loss" ? 1 : -1;
  for (const Candidate& candidate : candidates) {
    try {
      const std::string key = candidate.prefix + kManifestName;
      const Manifest manifest = ParseManifest(ReadManifestText(store, candidate.prefix), key);
      const auto value = manifest.metrics.find(metric);
      if (value == manifest.metrics.end() || !value->is_number()) continue;
      measured.push_back({sign * value->get<double>(), candidate.step});
    } catch (const wire::Fault&) {
      continue;  // a restore will say so
    }
  }
  std::sort(measured.begin(), measured.end());
  measured.resize(std::min(measured.size(), keep_best));
  std::set<int64_t> best;
  for (const auto& [value, step] : measured) best.insert(step);
  return best;
}

void DeleteCheckpoint(store::ObjectStore& store, const std::string& prefix) {
  store.Delete(prefix + kManifestName);
  store.DeletePrefix(prefix);
}

}  // namespace ocellus::checkpoint
