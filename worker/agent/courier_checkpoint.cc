// The courier's checkpoint lane: begin, commit, damage.
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "worker/agent/courier.h"
#include "worker/wire/failpoint.h"

namespace ocellus::agent {

SteadyTime Courier::ServeCheckpoints() {
  if (checkpoint_lane_.due > SteadyClock::now()) return checkpoint_lane_.due;
  std::optional<wire::Damaged> damaged;
  std::optional<int64_t> begin;
  std::optional<Commit> commit;
  {
    const std::lock_guard lock(mutex_);
    if (!damaged_.empty()) damaged = damaged_.front();
    begin = begin_;
    commit = commit_;
  }
  if (!damaged && !begin && !commit) return SteadyTime::max();
  if (damaged) {
    TryDamage(*damaged);
  } else if (commit) {
    TryCommit(*std::move(commit));
  } else {
    TryBegin(*begin);
  }
  return checkpoint_lane_.due;
}

void Courier::TryDamage(const wire::Damaged& damaged) {
  v1::ReportDamageRequest request;
  *request.mutable_gang() = gang_;
  request.set_uri(damaged.uri);
  request.set_fault(damaged.fault);
  const Verdict verdict =
      Book(link_->ReportDamage(std::move(request)), "ReportDamage", &checkpoint_lane_);
  if (verdict == Verdict::kRetry) return;
  const std::lock_guard lock(mutex_);
  damaged_.pop_front();
}

void Courier::TryBegin(int64_t step) {
  v1::BeginCheckpointRequest request;
  *request.mutable_gang() = gang_;
  request.set_step(step);
  v1::BeginCheckpointResponse response;
  wire::Failpoint("agent.begin_forwarded");
  const absl::Status status = link_->BeginCheckpoint(std::move(request), &response);
  wire::Failpoint("agent.begin_answered");
  const Verdict verdict = Book(status, "BeginCheckpoint", &checkpoint_lane_);
  if (verdict == Verdict::kRetry || last_call_) return;
  {
    const std::lock_guard lock(mutex_);
    if (begin_ == step) begin_.reset();
  }
  if (verdict == Verdict::kDone) {
    callbacks_.granted({step, response.upload_id(), response.prefix()});
  } else {
    callbacks_.settled({step, false, std::string(status.message()), {}}, 0);
  }
}

bool Courier::CommitIsHopeless(const absl::Status& status, Commit* commit) const {
  if (coordinator::ReasonOf(status) != v1::ERROR_REASON_STORE_UNAVAILABLE) {
    commit->store_refused_since.reset();
    return false;
  }
  const SteadyTime now = SteadyClock::now();
  if (!commit->store_refused_since) commit->store_refused_since = now;
  return now - *commit->store_refused_since > limits_.commit_tries;
}

void Courier::TryCommit(Commit commit) {
  v1::CommitCheckpointRequest request;
  *request.mutable_gang() = gang_;
  request.set_upload_id(commit.ready.upload_id);
  request.set_step(commit.ready.step);
  request.set_manifest(commit.ready.manifest);
  v1::CommitCheckpointResponse response;
  wire::Failpoint("agent.commit_forwarded");
  const absl::Status status = link_->CommitCheckpoint(std::move(request), &response);
  wire::Failpoint("agent.commit_answered");
  const Verdict verdict = Book(status, "CommitCheckpoint", &checkpoint_lane_);
  if (last_call_) return;
  if (verdict == Verdict::kRetry && !CommitIsHopeless(status, &commit)) {
    const std::lock_guard lock(mutex_);
    commit_ = std::move(commit);
    return;
  }
  wire::CheckpointResult result{commit.ready.step, status.ok(), std::string(status.message()), {}};
  result.unavailable = verdict == Verdict::kRetry;
  for (const std::string& prefix : response.expired_prefixes()) result.expired.push_back(prefix);
  Settle(commit, std::move(result));
}

void Courier::Settle(const Commit& commit, wire::CheckpointResult result) {
  const std::chrono::duration<double> took = SteadyClock::now() - commit.since;
  // The answer first: once the commit is gone, rank 0's end may go out and the gang be over.
  callbacks_.settled(result, took.count());
  const std::lock_guard lock(mutex_);
  if (commit_ && commit_->ready.upload_id == commit.ready.upload_id) commit_.reset();
}

}  // namespace ocellus::agent
