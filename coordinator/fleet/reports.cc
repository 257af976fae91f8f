#include "coordinator/fleet/reports.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/state/artifacts.h"
#include "coordinator/state/checkpoint_care.h"
#include "coordinator/state/events.h"
#include "coordinator/state/gangs.h"

namespace ocellus::coordinator {
namespace {

constexpr int kLastLinesMax = 50;

bool IsDurable(const v1::GangEvent& event) {
  return event.has_ended() || event.has_restored() || event.has_artifact() || event.has_warning();
}

absl::Status CheckGangs(Database& db, const v1::ReportEventsRequest& request) {
  std::set<std::pair<std::string, int64_t>> checked;
  for (const auto& event : request.events()) {
    if (checked.emplace(event.gang().job_id(), event.gang().generation()).second) {
      OCELLUS_RETURN_IF_ERROR(
          CheckCurrentOn(db, event.gang().job_id(), event.gang().generation(), request.node()));
    }
  }
  return absl::OkStatus();
}

RankEnd EndOf(const std::string& node, const v1::GangEvent& event, absl::Time now) {
  const v1::RankEnded& ended = event.ended();
  RankEnd end;
  end.outcome = ended.outcome();
  end.step = ended.step();
  v1::Failure& failure = end.failure;
  failure.set_failure_class(ended.failure_class());
  failure.set_node(node);
  failure.set_rank(event.rank());
  failure.set_exit_code(ended.exit_code());
  failure.set_signal(ended.signal());
  failure.set_message(ended.message());
  failure.set_hint(ended.hint());
  failure.set_generation(event.gang().generation());
  *failure.mutable_at() = ToProto(now);
  const int first = std::max(0, ended.last_lines_size() - kLastLinesMax);
  for (int i = first; i < ended.last_lines_size(); ++i) {
    failure.add_last_lines(ended.last_lines(i));
  }
  return end;
}

}  // namespace

absl::Status CheckGang(const Store& store, const v1::GangRef& gang, const std::string& node) {
  return store.Read(
      [&](Database& db) { return CheckCurrentOn(db, gang.job_id(), gang.generation(), node); });
}

absl::Status Reports::Apply(const v1::ReportEventsRequest& request) {
  const auto& events = request.events();
  if (std::any_of(events.begin(), events.end(), IsDurable)) {
    OCELLUS_RETURN_IF_ERROR(store_->Write("report_events", [&](Database& db) -> absl::Status {
      OCELLUS_RETURN_IF_ERROR(CheckGangs(db, request));
      for (const auto& event : events) {
        OCELLUS_RETURN_IF_ERROR(Keep(db, request.node(), event));
      }
      return absl::OkStatus();
    }));
  } else {
    OCELLUS_RETURN_IF_ERROR(store_->Read([&](Database& db) { return CheckGangs(db, request); }));
  }
  for (const auto& event : events) {
    Show(event);
  }
  return absl::OkStatus();
}

absl::Status Reports::Keep(Database& db, const std::string& node, const v1::GangEvent& event) {
  const std::string& job = event.gang().job_id();
  const int64_t generation = event.gang().generation();
  const absl::Time now = clock_->Now();
  v1::JobEvent row = NewEvent(job, absl::StrCat("agent:", node), v1::JOB_EVENT_TYPE_WARNING, now);
  row.set_generation(generation);
  if (event.has_ended()) {
    const RankEnd end = EndOf(node, event, now);
    OCELLUS_RETURN_IF_ERROR(RecordRankEnd(db, job, generation, event.rank(), end, now));
    Log(LogSeverity::kInfo, "rank_ended",
        {{"job", job},
         {"generation", generation},
         {"rank", event.rank()},
         {"outcome", end.outcome},
         {"step", end.step}});
    if (end.outcome == kSucceeded || end.outcome == kStoppedAt || end.outcome == kKilled) {
      return absl::OkStatus();
    }
    row.set_type(v1::JOB_EVENT_TYPE_RANK_FAILED);
    row.set_message(absl::StrCat("rank ", event.rank(), ": ", end.outcome, " ",
                                 end.failure.signal(), end.failure.signal().empty() ? "" : " ",
                                 end.failure.message()));
    return AppendEvent(db, row);
  }
  if (event.has_restored()) {
    row.set_type(v1::JOB_EVENT_TYPE_RESTORED);
    const v1::Restored& restored = event.restored();
    row.set_message(absl::StrCat("from step ", restored.step(),
                                 restored.uri() == kFromMemory ? ", out of memory" : ""));
    OCELLUS_RETURN_IF_ERROR(RecordRestore(db, job, generation, restored.step(), restored.uri()));
    return AppendEvent(db, row);
  }
  if (event.has_artifact()) {
    return WriteArtifact(db, job, event.artifact().kind(), event.artifact().uri(), now);
  }
  if (event.has_warning()) {
    row.set_message(event.warning().text());
    return AppendEvent(db, row);
  }
  return absl::OkStatus();
}

void Reports::Show(const v1::GangEvent& event) {
  switch (event.event_case()) {
    case v1::GangEvent::kStarted:
      live_->Started(event.gang(), event.rank());
      break;
    case v1::GangEvent::kProgress:
      live_->Progressed(event.gang(), event.rank(), event.progress());
      break;
    case v1::GangEvent::kStopAck:
      live_->StopAcked(event.gang(), event.rank(), event.stop_ack().step());
      break;
    default:
      break;
  }
}

}  // namespace ocellus::coordinator
