#include "coordinator/fleet/handover.h"

#include "absl/strings/str_cat.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/state/events.h"
#include "coordinator/state/gangs.h"

namespace ocellus::coordinator {

absl::Status EndRanksOfOthers(Database& db, const std::string& node, const std::string& instance,
                              absl::Time now) {
  OCELLUS_ASSIGN_OR_RETURN(const auto gangs, ActiveGangs(db));
  for (const GangRow& gang : gangs) {
    for (const RankRow& rank : gang.ranks) {
      if (rank.node != node || rank.instance == instance || rank.ended != absl::InfinitePast()) {
        continue;
      }
      RankEnd end;
      end.outcome = kAgentLost;
      end.failure.set_failure_class(v1::FAILURE_CLASS_INFRA_PROCESS);
      end.failure.set_node(node);
      end.failure.set_rank(rank.rank);
      end.failure.set_message("the node's agent died, and its ranks with it");
      end.failure.set_generation(gang.generation);
      *end.failure.mutable_at() = ToProto(now);
      OCELLUS_RETURN_IF_ERROR(RecordRankEnd(db, gang.job_id, gang.generation, rank.rank, end, now));
      Log(LogSeverity::kWarning, "rank_lost_with_agent",
          {{"job", gang.job_id}, {"generation", gang.generation}, {"rank", rank.rank}});
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Adopt(Database& db, const std::string& node, const v1::GangRef& gang,
                           absl::Time now) {
  if (!CheckCurrent(db, gang.job_id(), gang.generation()).ok()) {
    return false;
  }
  v1::JobEvent event =
      NewEvent(gang.job_id(), absl::StrCat("agent:", node), v1::JOB_EVENT_TYPE_GANG_ADOPTED, now);
  event.set_generation(gang.generation());
  event.set_message(absl::StrCat(node, " still runs it"));
  OCELLUS_RETURN_IF_ERROR(AppendEvent(db, event));
  Log(LogSeverity::kInfo, "gang_adopted",
      {{"job", gang.job_id()}, {"generation", gang.generation()}, {"node", node}});
  return true;
}

}  // namespace ocellus::coordinator
