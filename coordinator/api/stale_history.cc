#include "coordinator/api/stale_history.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/state/events.h"
#include "coordinator/state/jobs.h"

namespace ocellus::coordinator {
namespace {

constexpr size_t kToldMax = 10'000;

}  // namespace

void StaleHistory::AddRefusal(const std::string& node, const std::string& what,
                              const absl::Status& status) {
  if (ReasonOf(status) != v1::ERROR_REASON_STALE_GENERATION) {
    return;
  }
  const auto metadata = MetadataOf(status);
  const auto job = metadata.find("job");
  const auto generation = metadata.find("generation");
  int64_t number = 0;
  if (job == metadata.end() || generation == metadata.end() ||
      !absl::SimpleAtoi(generation->second, &number)) {
    return;
  }
  v1::GangRef gang;
  gang.set_job_id(job->second);
  gang.set_generation(number);
  Add(node, what, gang);
}

void StaleHistory::AddAnnounced(const std::string& node, const v1::GangStatus& gang) {
  if (std::any_of(gang.ranks().begin(), gang.ranks().end(),
                  [](const v1::RankStatus& rank) { return rank.running(); })) {
    Add(node, "its announcement", gang.gang());
  }
}

void StaleHistory::Add(const std::string& node, const std::string& what, const v1::GangRef& gang) {
  {
    std::lock_guard lock(mutex_);
    if (told_.size() >= kToldMax) {
      told_.clear();
    }
    if (!told_.emplace(gang.job_id(), gang.generation()).second) {
      return;
    }
  }
  const absl::Status status = store_->Write("stale_rejected", [&](Database& db) -> absl::Status {
    const auto job = ReadJob(db, gang.job_id());
    if (absl::IsNotFound(job.status())) {
      return absl::OkStatus();
    }
    OCELLUS_RETURN_IF_ERROR(job.status());
    if (gang.generation() < 1 || gang.generation() > job->generation) {
      return absl::OkStatus();
    }
    v1::JobEvent event = NewEvent(gang.job_id(), absl::StrCat("agent:", node),
                                  v1::JOB_EVENT_TYPE_STALE_REJECTED, clock_->Now());
    event.set_generation(gang.generation());
    event.set_message(absl::StrCat("refused ", what, " of generation ", gang.generation(), " on ",
                                   node, ": it is not current there; its ranks are killed"));
    return AppendEvent(db, event);
  });
  if (!status.ok()) {
    Log(LogSeverity::kWarning, "stale_not_told",
        {{"job", gang.job_id()}, {"generation", gang.generation()}, {"status", status.ToString()}});
    std::lock_guard lock(mutex_);
    told_.erase({gang.job_id(), gang.generation()});
  }
}

}  // namespace ocellus::coordinator
