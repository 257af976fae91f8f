#include "coordinator/control/gang_rules.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace ocellus::coordinator {
namespace {

bool EndedWell(const RankRow& rank) {
  return rank.end.outcome == kSucceeded || rank.end.outcome == kStoppedAt;
}

bool HasEnded(const RankRow& rank) { return rank.ended != absl::InfinitePast(); }

std::optional<StopWish> FindEnd(const GangRow& gang) {
  std::optional<StopWish> wish;
  for (const RankRow& rank : gang.ranks) {
    if (HasEnded(rank) && !EndedWell(rank)) {
      return StopWish{v1::JOB_REASON_FAULT,
                      absl::StrCat("rank ", rank.rank, " on ", rank.node,
                                   " ended: ", rank.end.outcome, " ", rank.end.failure.message())};
    }
    if (HasEnded(rank)) {
      wish = StopWish{v1::JOB_REASON_FINISHING, "ranks are ending"};
    }
  }
  return wish;
}

// A synchronous step proves that every rank lives, whoever reported it.
bool SteppedSince(const LiveGang* live, absl::Duration since) {
  return live != nullptr && live->step > 0 && live->step_at > since;
}

std::optional<StopWish> FindLostNode(const GangFacts& facts) {
  for (const RankRow& rank : facts.gang->ranks) {
    const auto node = facts.nodes->find(rank.node);
    if (HasEnded(rank) || node == facts.nodes->end() || !node->second.suspect) {
      continue;
    }
    if (!SteppedSince(facts.live, node->second.last_heard + facts.heartbeat)) {
      return StopWish{v1::JOB_REASON_LEASE_LOST,
                      absl::StrCat("node ", rank.node, " was not heard within its lease")};
    }
  }
  return std::nullopt;
}

// Silence of a node is no hang: it is unknown what its ranks do.
bool AllNodesHeard(const GangFacts& facts) {
  return std::all_of(facts.gang->ranks.begin(), facts.gang->ranks.end(), [&](const RankRow& rank) {
    const auto node = facts.nodes->find(rank.node);
    return node != facts.nodes->end() && node->second.connected &&
           facts.monotonic - node->second.last_heard <= 2 * facts.heartbeat;
  });
}

}  // namespace

bool AllStepped(const GangRow& gang, const LiveGang* live) {
  return live != nullptr &&
         std::all_of(gang.ranks.begin(), gang.ranks.end(), [&](const RankRow& rank) {
           const auto found = live->ranks.find(rank.rank);
           return found != live->ranks.end() && found->second.step > 0;
         });
}

absl::Duration PauseAllowed(const LiveGang& live, const GangLimits& limits) {
  const std::string pause = live.pause();
  if (pause.empty()) {
    return std::max(limits.hang_median_steps * live.median_step(), limits.hang_least);
  }
  return pause == "init" || pause == "data" ? limits.data_phase : limits.long_phase;
}

std::optional<StopWish> FindStop(const GangFacts& facts, const GangLimits& limits) {
  const GangRow& gang = *facts.gang;
  if (auto wish = FindEnd(gang); wish.has_value() && wish->cause != gang.reason) {
    return wish;
  }
  if (auto wish = FindLostNode(facts); wish.has_value()) {
    return wish;
  }
  const absl::Duration watched = facts.monotonic - facts.watched_since;
  const auto lasted = [&](absl::Time from) { return std::min(facts.now - from, watched); };
  if (gang.state == v1::JOB_STATE_STOPPING) {
    return lasted(gang.since) > limits.finish
               ? std::make_optional(StopWish{v1::JOB_REASON_HANG, "not every rank ended in time"})
               : std::nullopt;
  }
  if (gang.state == v1::JOB_STATE_STARTING) {
    return lasted(gang.started) > limits.start
               ? std::make_optional(StopWish{v1::JOB_REASON_START_TIMEOUT,
                                             absl::StrCat("no first step of every rank within ",
                                                          absl::FormatDuration(limits.start))})
               : std::nullopt;
  }
  if (facts.live == nullptr || !AllNodesHeard(facts)) {
    return std::nullopt;
  }
  const absl::Duration idle = facts.monotonic - facts.live->moved_at;
  const absl::Duration allowed = PauseAllowed(*facts.live, limits);
  if (idle <= allowed) {
    return std::nullopt;
  }
  const std::string phase = facts.live->pause();
  return StopWish{
      v1::JOB_REASON_HANG,
      absl::StrCat("no step for ", absl::FormatDuration(absl::Floor(idle, absl::Seconds(1))),
                   " in phase ", phase.empty() ? "train" : phase, "; allowed ",
                   absl::FormatDuration(allowed))};
}

}  // namespace ocellus::coordinator
