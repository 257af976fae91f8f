#include "worker/agent/courier.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "coordinator/base/log.h"

namespace ocellus::agent {
namespace {

using coordinator::Log;
using coordinator::LogSeverity;

// No lane sleeps longer, so that a lost wake-up could not last.
constexpr Millis kLongestSleep{10000};

bool MayBeDropped(const v1::GangEvent& event) {
  return event.has_warning() || event.has_artifact();
}

}  // namespace

Courier::Courier(v1::GangRef gang, const std::vector<int>& ranks, const std::string& spool_folder,
                 CoordinatorLink* link, const Limits& limits, Callbacks callbacks)
    : gang_(std::move(gang)),
      link_(link),
      limits_(limits),
      callbacks_(std::move(callbacks)),
      checkpoint_lane_(limits),
      event_lane_(limits),
      log_lane_(limits),
      end_lane_(limits),
      ends_left_(ranks.size()) {
  for (int rank : ranks) {
    spools_[rank] = std::make_unique<LogSpool>(absl::StrCat(spool_folder, "/rank", rank),
                                               limits.spool_bytes_max, limits.spool_segment_bytes);
  }
  thread_ = std::thread([this] { Run(); });
}

Courier::~Courier() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

int64_t Courier::dropped_lines() const {
  int64_t dropped = 0;
  for (const auto& [rank, spool] : spools_) dropped += spool->dropped_lines();
  return dropped;
}

void Courier::Wake() {
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  changed_.notify_all();
}

v1::GangEvent Courier::NewEvent(int rank) const {
  v1::GangEvent event;
  *event.mutable_gang() = gang_;
  event.set_rank(rank);
  const int64_t nanos = absl::ToUnixNanos(absl::Now());
  event.mutable_at()->set_seconds(nanos / 1'000'000'000);
  event.mutable_at()->set_nanos(static_cast<int32_t>(nanos % 1'000'000'000));
  return event;
}

void Courier::Add(v1::GangEvent event) {
  v1::GangEvent stamped = NewEvent(event.rank());
  stamped.MergeFrom(event);
  {
    const std::lock_guard lock(mutex_);
    if (events_.size() >= kEventsMax && MayBeDropped(event)) {
      Log(LogSeverity::kWarning, "event_dropped",
          {{"job", gang_.job_id()}, {"waiting", kEventsMax}});
      return;
    }
    events_.push_back(std::move(stamped));
  }
  Wake();
}

void Courier::SetProgress(int rank, const v1::Progress& progress, bool at_once) {
  {
    const std::lock_guard lock(mutex_);
    ProgressSlot& slot = progress_[rank];
    // The first step counts as a change too: all ranks' first steps make the job RUNNING.
    const bool first_step = slot.event.progress().step() == 0 && progress.step() > 0;
    slot.event = NewEvent(rank);
    *slot.event.mutable_progress() = progress;
    slot.dirty = true;
    slot.at_once = slot.at_once || at_once || first_step;
  }
  Wake();
}

void Courier::BeginCheckpoint(int64_t step) {
  {
    const std::lock_guard lock(mutex_);
    begin_ = step;
  }
  Wake();
}

void Courier::CommitCheckpoint(wire::CheckpointReady ready) {
  {
    const std::lock_guard lock(mutex_);
    commit_ = Commit{std::move(ready), SteadyClock::now(), std::nullopt};
  }
  Wake();
}

void Courier::ReportDamage(wire::Damaged damaged) {
  {
    const std::lock_guard lock(mutex_);
    damaged_.push_back(std::move(damaged));
  }
  Wake();
}

void Courier::End(int rank, v1::RankEnded ended) {
  {
    const std::lock_guard lock(mutex_);
    v1::GangEvent event = NewEvent(rank);
    *event.mutable_ended() = std::move(ended);
    ends_.insert_or_assign(rank, std::move(event));
    if (progress_.contains(rank)) progress_[rank].at_once = true;
    // Nobody is left to use the grant.
    if (rank == 0) begin_.reset();
  }
  Wake();
}

void Courier::Run() {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) return;
      woken_ = false;
    }
    // While the coordinator is away, news wake nobody: there is nobody to tell them to.
    const bool away = !link_->connected();
    SteadyTime due = SteadyClock::now() + (away ? limits_.retry_first : kLongestSleep);
    if (!away) {
      for (auto serve : {&Courier::ServeCheckpoints, &Courier::ServeEvents, &Courier::ServeLogs,
                         &Courier::ServeEnds}) {
        due = std::min(due, (this->*serve)());
        if (last_call_) return last_call_();
      }
    }
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, due, [&] { return stopping_ || (woken_ && !away); });
  }
}

Verdict Courier::Book(const absl::Status& status, const char* call, Lane* lane) {
  const Verdict verdict = Judge(status);
  if (verdict == Verdict::kDone) {
    lane->retry.Succeeded();
    return verdict;
  }
  lane->due = SteadyClock::now() + lane->retry.Failed();
  Log(LogSeverity::kWarning, "call_failed",
      {{"call", call},
       {"job", gang_.job_id()},
       {"generation", gang_.generation()},
       {"status", status.ToString()}});
  if (verdict == Verdict::kGangStale) last_call_ = callbacks_.gang_stale;
  if (verdict == Verdict::kSessionStale) {
    last_call_ = [this, status] { callbacks_.session_stale(status); };
  }
  return verdict;
}

SteadyTime Courier::CollectEvents(v1::ReportEventsRequest* request, size_t* queued,
                                  std::vector<int>* progressed) {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = SteadyClock::now();
  SteadyTime due = SteadyTime::max();
  for (const v1::GangEvent& event : events_) *request->add_events() = event;
  *queued = events_.size();
  for (auto& [rank, slot] : progress_) {
    if (!slot.dirty) continue;
    const Millis interval = rank == 0 ? limits_.progress_interval : limits_.peer_progress_interval;
    const SteadyTime allowed = slot.at_once ? now : slot.sent + interval;
    if (allowed > now) {
      due = std::min(due, allowed);
      continue;
    }
    *request->add_events() = slot.event;
    slot.dirty = slot.at_once = false;
    slot.sent = now;
    progressed->push_back(rank);
  }
  return due;
}

SteadyTime Courier::ServeEvents() {
  if (event_lane_.due > SteadyClock::now()) return event_lane_.due;
  v1::ReportEventsRequest request;
  size_t queued = 0;
  std::vector<int> progressed;
  const SteadyTime due = CollectEvents(&request, &queued, &progressed);
  if (request.events().empty()) return due;
  const Verdict verdict =
      Book(link_->ReportEvents(std::move(request)), "ReportEvents", &event_lane_);
  const std::lock_guard lock(mutex_);
  if (verdict == Verdict::kRetry) {
    for (int rank : progressed) progress_[rank].dirty = progress_[rank].at_once = true;
    return event_lane_.due;
  }
  events_.erase(events_.begin(), events_.begin() + static_cast<ptrdiff_t>(queued));
  return due;
}

SteadyTime Courier::ServeLogs() {
  if (log_lane_.due > SteadyClock::now()) return log_lane_.due;
  bool sent = false;
  for (auto& [rank, spool] : spools_) {
    if (spool->empty()) continue;
    const LogSpool::Batch batch = spool->Peek(kLogBatchBytesMax);
    v1::PutLogsRequest request;
    *request.mutable_gang() = gang_;
    request.set_dropped(batch.dropped);
    for (const v1::LogLine& line : batch.lines) *request.add_lines() = line;
    const absl::Status status = link_->PutLogs(std::move(request));
    // The coordinator's room for logs is used up: the lines are of no use to it.
    const bool unwanted = status.code() == absl::StatusCode::kResourceExhausted;
    const Verdict verdict = unwanted ? Verdict::kRefused : Book(status, "PutLogs", &log_lane_);
    if (verdict == Verdict::kRetry || last_call_) return log_lane_.due;
    spool->Acknowledge(batch);
    sent = true;
  }
  if (!sent) return SteadyTime::max();
  // Soon again: there may be more, and lines of a quarter of a second make a better batch.
  const std::lock_guard lock(mutex_);
  log_lane_.due = SteadyClock::now() + (ends_.empty() ? limits_.progress_interval : Millis(0));
  return log_lane_.due;
}

bool Courier::EndIsReady(int rank) const {
  const auto progress = progress_.find(rank);
  const bool facts_sent =
      events_.empty() && (progress == progress_.end() || !progress->second.dirty);
  // After the last end the gang is over for the coordinator, and damage would be refused as stale.
  const bool settled = damaged_.empty() && (rank != 0 || !commit_);
  return facts_sent && settled && spools_.at(rank)->empty();
}

SteadyTime Courier::ServeEnds() {
  if (end_lane_.due > SteadyClock::now()) return end_lane_.due;
  std::vector<int> ready;
  v1::ReportEventsRequest request;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [rank, event] : ends_) {
      // One at a time: fifty long lines each could be more than a request holds.
      if (!ready.empty() || !EndIsReady(rank)) continue;
      ready.push_back(rank);
      *request.add_events() = event;
    }
  }
  if (ready.empty()) return SteadyTime::max();
  // An end is never given up, whatever the answer is.
  const Verdict verdict = Book(link_->ReportEvents(std::move(request)), "ReportEvents", &end_lane_);
  if (verdict != Verdict::kDone) return end_lane_.due;
  const std::lock_guard lock(mutex_);
  ends_.erase(ready.front());
  if (--ends_left_ == 0) last_call_ = callbacks_.delivered;
  return SteadyClock::now();
}

}  // namespace ocellus::agent
