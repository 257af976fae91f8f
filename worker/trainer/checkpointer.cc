#include "worker/trainer/checkpointer.h"

#include <cstdio>
#include <random>

#include "worker/checkpoint/slices.h"
#include "worker/wire/failpoint.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

constexpr int kFailuresInARowMax = 3;
// An agent that has not answered for so long is asked anew at the next checkpoint.
constexpr std::chrono::seconds kAnswerPatience{30};
constexpr std::chrono::milliseconds kMailPoll{200};
// What a step may wait for the checkpoint before.
constexpr std::chrono::seconds kRoomPatience{1};
// Between tries to store the newest snapshot while the store cannot be reached.
constexpr std::chrono::seconds kOutageRetry{10};
// No cause of ours: what cannot be reached now can be later. (A commit that could not be made for
// that reason comes as one of these as well.)
bool IsOutage(const std::string& outcome) {
  return outcome == "STORE_UNAVAILABLE" || outcome == "STORE_TIMEOUT" ||
         outcome == "UPLOAD_TIMEOUT";
}

std::string RandomId() {
  char text[16];
  std::snprintf(text, sizeof(text), "%08x", std::random_device()());
  return text;
}

double Seconds(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - since).count();
}

}  // namespace

Checkpointer::Checkpointer(const wire::Document& document, store::ObjectStore* store,
                           Control* control, Reporter* reporter, SliceExchange* exchange,
                           checkpoint::Allocate allocate, int64_t committed_step)
    : document_(document),
      store_(store),
      control_(control),
      reporter_(reporter),
      exchange_(exchange),
      snapshot_(std::move(allocate)),
      writer_(store),
      expiry_(&document_, store, reporter),
      committed_step_(committed_step) {}

// This rank's slices.
checkpoint::FileSources Checkpointer::Own(const checkpoint::FileSources& sources) const {
  return checkpoint::SlicesOf(sources, 0, exchange_ ? exchange_->world() : 1, store_->portions());
}

void Checkpointer::Prepare(const checkpoint::FileSources& sources) {
  prepared_ = std::async(std::launch::async, [this, own = Own(sources)] {
    checkpoint::YieldToTraining();
    snapshot_.Reserve(own);
  });
}

bool Checkpointer::MakeRoom() {
  asked_room_at_ = Clock::now();
  Advance();
  if (stage_ == Stage::kWrites) {
    const auto written = writer_.WaitFor(kRoomPatience);
    if (!written) return false;
    OnWritten(*written);
  }
  Advance();
  if (stage_ == Stage::kIdle) return true;
  return stage_ != Stage::kWrites && Clock::now() - asked_at_ > kAnswerPatience;
}

void Checkpointer::LeaveOut(int64_t step) {
  const bool ours = stage_ != Stage::kIdle;
  const std::string cause =
      !ours ? "another rank still writes its slice"
            : "the one of step " + std::to_string(manifest_.step) +
                  (stage_ == Stage::kWrites ? " is still being written"
                                            : " still waits for the coordinator");
  reporter_->Log("info", "no checkpoint of step " + std::to_string(step) + ": " + cause);
  reporter_->Tell(wire::Metric{"checkpoint_left_out", 1, step});
}

void Checkpointer::Save(const checkpoint::FileSources& sources,
                        const checkpoint::Manifest& manifest, std::function<void()> before) {
  EndStory(manifest_.step);
  const auto snapshot_start = Clock::now();
  if (prepared_.valid()) prepared_.get();
  snapshot_.Take(Own(sources));
  snapshot_seconds_ = Seconds(snapshot_start);
  stall_seconds_ = Seconds(asked_room_at_);
  manifest_ = manifest;
  before_ = std::move(before);
  attempt_ = 0;
  open_ = true;
  wire::Failpoint("trainer.snapshot_taken");
  Begin();
}

// The other ranks need not keep their snapshots of this step any longer.
void Checkpointer::EndStory(int64_t step) {
  if (step != manifest_.step || !std::exchange(open_, false)) return;
  if (exchange_) exchange_->End(step, attempt_);
}

void Checkpointer::Begin() {
  retry_at_.reset();
  if (self_commit()) {
    return StartWrite(checkpoint::CheckpointPrefix(document_.prefix, manifest_.step,
                                                   manifest_.generation, RandomId()));
  }
  stage_ = Stage::kAwaitsGrant;
  asked_at_ = Clock::now();
  reporter_->Tell(wire::CheckpointBegin{manifest_.step});
  wire::Failpoint("trainer.begin_sent");
}

void Checkpointer::StartWrite(const std::string& prefix) {
  stage_ = Stage::kWrites;
  checkpoint::AwaitOthers others;
  if (exchange_) {
    exchange_->Order(manifest_.step, attempt_, prefix);
    others = [exchange = exchange_, step = manifest_.step, attempt = attempt_++](auto limit) {
      auto files = exchange->Collect(step, attempt, limit);
      wire::Failpoint("trainer.slices_known");
      return files;
    };
  }
  writer_.Start(&snapshot_, manifest_, prefix, before_, others);
}

void Checkpointer::Advance() {
  while (const auto grant = control_->TakeGrant()) OnGrant(*grant);
  while (const auto result = control_->TakeResult()) OnResult(*result);
  if (stage_ == Stage::kWrites) {
    if (const auto written = writer_.Poll()) OnWritten(*written);
  } else if (stage_ == Stage::kIdle && retry_at_ && Clock::now() > *retry_at_) {
    Begin();
  }
}

void Checkpointer::OnGrant(const wire::CheckpointGrant& grant) {
  // A grant for a snapshot that was given up is left alone; the coordinator sweeps its prefix.
  if (stage_ != Stage::kAwaitsGrant || grant.step != manifest_.step) return;
  upload_id_ = grant.upload_id;
  wire::Failpoint("trainer.granted");
  StartWrite(grant.prefix);
}

void Checkpointer::OnWritten(const checkpoint::WriteResult& result) {
  stage_ = Stage::kIdle;
  if (!result.ok()) return Failed(result.step, result.outcome, result.failure);
  if (self_commit()) {
    try {
      checkpoint::Commit(*store_, result.prefix, result.manifest);
    } catch (const wire::Fault& fault) {
      return Failed(result.step, fault.outcome(), fault.what());
    }
    Committed(result.step);
    return expiry_.Apply();
  }
  stage_ = Stage::kAwaitsResult;
  asked_at_ = Clock::now();
  wire::Failpoint("trainer.files_written");
  reporter_->Tell(wire::CheckpointReady{result.step, upload_id_, result.manifest, snapshot_seconds_,
                                        stall_seconds_, result.seconds});
  wire::Failpoint("trainer.ready_sent");
}

void Checkpointer::OnResult(const wire::CheckpointResult& result) {
  // A refusal may also answer the begin: then no grant will come.
  const bool awaited = stage_ == Stage::kAwaitsGrant || stage_ == Stage::kAwaitsResult;
  if (awaited && result.step == manifest_.step) stage_ = Stage::kIdle;
  wire::Failpoint("trainer.result_received");
  if (result.unavailable) return Failed(result.step, "STORE_UNAVAILABLE", result.reason);
  if (!result.committed) return Failed(result.step, "COMMIT_REFUSED", result.reason);
  Committed(result.step);
  expiry_.Delete(result.expired);
}

void Checkpointer::Committed(int64_t step) {
  EndStory(step);
  committed_step_ = std::max(committed_step_, step);
  failures_in_a_row_ = 0;
  if (!paused_) return;
  paused_ = false;
  retry_at_.reset();
  reporter_->Tell(wire::CheckpointPause{step, false, ""});
  reporter_->Log("info", "checkpoints are stored again, from step " + std::to_string(step));
}

void Checkpointer::Pause(int64_t step, const std::string& reason) {
  retry_at_ = Clock::now() + kOutageRetry;
  if (paused_) return;
  paused_ = true;
  reporter_->Tell(wire::CheckpointPause{step, true, reason});
  reporter_->Log("warning", "checkpoints pause, training goes on: " + reason);
}

void Checkpointer::Failed(int64_t step, const std::string& outcome, const std::string& reason) {
  if (IsOutage(outcome)) return Pause(step, reason);
  EndStory(step);
  // All ranks have agreed on another step.
  if (outcome == kGivenUp) return reporter_->Log("info", reason);
  reporter_->Tell(wire::CheckpointFailed{step, reason});
  if (++failures_in_a_row_ < kFailuresInARowMax) return;
  throw wire::Fault(
      wire::FaultClass::kStorage, outcome,
      std::to_string(failures_in_a_row_) + " checkpoints in a row failed, the last: " + reason,
      "free space or repair the store; the last committed checkpoint is intact");
}

void Checkpointer::SaveForGood(const checkpoint::FileSources& sources,
                               const checkpoint::Manifest& manifest, std::function<void()> before,
                               std::chrono::seconds limit) {
  const auto deadline = Clock::now() + limit;
  while (committed_step_ < manifest.step) {
    const bool under_way = stage_ != Stage::kIdle && manifest_.step == manifest.step;
    const bool retries = retry_at_ && manifest_.step == manifest.step;
    if (!under_way && !retries && MakeRoom()) Save(sources, manifest, before);
    Advance();
    if (stage_ == Stage::kWrites) {
      if (const auto written = writer_.WaitFor(kMailPoll)) OnWritten(*written);
    } else if (committed_step_ < manifest.step) {
      control_->WaitForMail(kMailPoll);
    }
    if (Clock::now() > deadline && committed_step_ < manifest.step) {
      throw wire::Fault(wire::FaultClass::kStorage, "CHECKPOINT_UNANSWERED",
                        "the checkpoint of step " + std::to_string(manifest.step) +
                            " was not committed within " + std::to_string(limit.count()) + " s",
                        "see the coordinator's log");
    }
  }
}

}  // namespace ocellus::trainer
