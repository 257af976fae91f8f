#include "worker/trainer/checkpointer.h"

#include <cstdio>
#include <random>

#include "worker/checkpoint/retention.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

constexpr int kFailuresInARowMax = 3;
// An agent that has not answered for so long is asked anew at the next checkpoint.
constexpr std::chrono::seconds kAnswerPatience{30};
constexpr std::chrono::milliseconds kMailPoll{200};

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
                           Control* control, Reporter* reporter, int64_t committed_step)
    : document_(document),
      store_(store),
      control_(control),
      reporter_(reporter),
      writer_(store),
      committed_step_(committed_step) {}

// Whether a new snapshot may be taken.
bool Checkpointer::MakeRoom() {
  Advance();
  if (stage_ == Stage::kWrites) OnWritten(*writer_.Wait());
  Advance();
  if (stage_ == Stage::kIdle) return true;
  return Clock::now() - asked_at_ > kAnswerPatience;
}

void Checkpointer::Save(const checkpoint::FileSources& sources,
                        const checkpoint::Manifest& manifest) {
  const auto start = Clock::now();
  if (!MakeRoom()) {
    reporter_->Log("info", "no checkpoint of step " + std::to_string(manifest.step) +
                               ": the one of step " + std::to_string(manifest_.step) +
                               " still waits for the coordinator");
    return;
  }
  const auto snapshot_start = Clock::now();
  snapshot_.Take(sources);
  snapshot_seconds_ = Seconds(snapshot_start);
  stall_seconds_ = Seconds(start);
  manifest_ = manifest;
  if (self_commit()) {
    StartWrite(checkpoint::CheckpointPrefix(document_.prefix, manifest.step, manifest.generation,
                                            RandomId()));
    return;
  }
  stage_ = Stage::kAwaitsGrant;
  asked_at_ = Clock::now();
  reporter_->Tell(wire::CheckpointBegin{manifest.step});
}

void Checkpointer::StartWrite(const std::string& prefix) {
  stage_ = Stage::kWrites;
  writer_.Start(&snapshot_, manifest_, prefix);
}

void Checkpointer::Advance() {
  while (const auto grant = control_->TakeGrant()) OnGrant(*grant);
  while (const auto result = control_->TakeResult()) OnResult(*result);
  if (stage_ != Stage::kWrites) return;
  if (const auto written = writer_.Poll()) OnWritten(*written);
}

void Checkpointer::OnGrant(const wire::CheckpointGrant& grant) {
  // A grant for a snapshot that was given up is left alone; the coordinator sweeps its prefix.
  if (stage_ != Stage::kAwaitsGrant || grant.step != manifest_.step) return;
  upload_id_ = grant.upload_id;
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
    return ApplyRetention();
  }
  stage_ = Stage::kAwaitsResult;
  asked_at_ = Clock::now();
  reporter_->Tell(wire::CheckpointReady{result.step, upload_id_, result.manifest, snapshot_seconds_,
                                        stall_seconds_, result.seconds});
}

void Checkpointer::OnResult(const wire::CheckpointResult& result) {
  // A refusal may also answer the begin: then no grant will come.
  const bool awaited = stage_ == Stage::kAwaitsGrant || stage_ == Stage::kAwaitsResult;
  if (awaited && result.step == manifest_.step) stage_ = Stage::kIdle;
  if (!result.committed) return Failed(result.step, "COMMIT_REFUSED", result.reason);
  Committed(result.step);
  DeleteExpired(result.expired);
}

void Checkpointer::Committed(int64_t step) {
  committed_step_ = std::max(committed_step_, step);
  failures_in_a_row_ = 0;
}

void Checkpointer::Failed(int64_t step, const std::string& outcome, const std::string& reason) {
  reporter_->Tell(wire::CheckpointFailed{step, reason});
  if (++failures_in_a_row_ < kFailuresInARowMax) return;
  throw wire::Fault(
      wire::FaultClass::kStorage, outcome,
      std::to_string(failures_in_a_row_) + " checkpoints in a row failed, the last: " + reason,
      "free space or repair the store; the last committed checkpoint is intact");
}

void Checkpointer::DeleteExpired(const std::vector<std::string>& prefixes) {
  for (const std::string& prefix : prefixes) {
    try {
      checkpoint::DeleteCheckpoint(*store_, prefix);
    } catch (const wire::Fault& fault) {
      reporter_->Log("warning", std::string("an expired checkpoint stays: ") + fault.what());
    }
  }
}

void Checkpointer::ApplyRetention() {
  std::vector<std::string> prefixes;
  for (const auto& expired :
       checkpoint::Expired(checkpoint::ListCheckpoints(*store_, document_.prefix),
                           document_.checkpoint.keep, document_.checkpoint.keep_every_steps)) {
    prefixes.push_back(expired.prefix);
  }
  DeleteExpired(prefixes);
}

void Checkpointer::SaveForGood(const checkpoint::FileSources& sources,
                               const checkpoint::Manifest& manifest, std::chrono::seconds limit) {
  const auto deadline = Clock::now() + limit;
  while (committed_step_ < manifest.step) {
    const bool under_way = stage_ != Stage::kIdle && manifest_.step == manifest.step;
    if (!under_way) {
      if (MakeRoom()) Save(sources, manifest);
    }
    Advance();
    if (stage_ == Stage::kWrites) {
      OnWritten(*writer_.Wait());
    } else if (stage_ != Stage::kIdle) {
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
