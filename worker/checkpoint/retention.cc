#include "worker/checkpoint/retention.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "worker/checkpoint/manifest.h"

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

std::vector<Candidate> Expired(const std::vector<Candidate>& newest_first, int64_t keep,
                               int64_t keep_every_steps) {
  std::vector<Candidate> expired;
  const size_t kept = static_cast<size_t>(std::max<int64_t>(keep, 1));
  for (size_t i = kept; i < newest_first.size(); ++i) {
    const bool pinned = keep_every_steps > 0 && newest_first[i].step % keep_every_steps == 0;
    if (!pinned) expired.push_back(newest_first[i]);
  }
  return expired;
}

void DeleteCheckpoint(store::ObjectStore& store, const std::string& prefix) {
  store.Delete(prefix + kManifestName);
  store.DeletePrefix(prefix);
}

}  // namespace ocellus::checkpoint
