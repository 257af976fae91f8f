#include "coordinator/launch/half_gangs.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"

namespace ocellus::coordinator {
namespace {

// How many of the gang's pods have a machine.
int Bound(const std::string& job_id, const LaunchWishes& wishes, const Pods& pods) {
  std::set<int> bound;
  for (const auto& [name, pod] : pods) {
    const bool lives = !pod.deleting && !pod.ended() && !wishes.lost.contains(name);
    if (pod.job_id == job_id && lives && pod.bound) bound.insert(pod.index);
  }
  return static_cast<int>(bound.size());
}

}  // namespace

std::string HalfGangs::Look(const LaunchWishes& wishes, const Pods& pods, int ranks_per_pod,
                            absl::Duration now) {
  std::erase_if(gangs_, [&](const auto& entry) { return !wishes.pending.contains(entry.first); });
  std::string first;
  for (const auto& [job_id, wish] : wishes.pending) {
    const int bound = Bound(job_id, wishes, pods);
    const bool half = bound > 0 && bound < PodsOf(wish.ranks, ranks_per_pod);
    Gang& gang = gangs_[job_id];
    if (half && !gang.half) gang.half_since = now;
    gang.half = half;
    if (half && (first.empty() || wish.position < wishes.pending.at(first).position)) {
      first = job_id;
    }
  }
  return first;
}

std::map<std::string, std::string> HalfGangs::Resting(const LaunchWishes& wishes, const Pods& pods,
                                                      int ranks_per_pod, absl::Duration now) {
  const std::string first = Look(wishes, pods, ranks_per_pod, now);
  std::map<std::string, std::string> resting;
  for (auto& [job_id, gang] : gangs_) {
    const bool yields = gang.half && job_id != first && now >= gang.rests_until &&
                        now - gang.half_since >= patience_;
    if (yields) {
      gang.rests_until =
          now + std::min(kHalfGangRestFirst * (int64_t{1} << std::min(gang.times++, 10)),
                         kHalfGangRestLast);
      gang.why = absl::StrCat("its pods are given back for a while: they held a part of what ",
                              wishes.pending.at(first).name, " (", first,
                              "), which came before, waits for");
    }
    if (now < gang.rests_until) resting.emplace(job_id, gang.why);
  }
  return resting;
}

}  // namespace ocellus::coordinator
