// Checkpoints that an agent commits.
#include <gtest/gtest.h>

#include "tests/worker/trainer/tiny_job.h"
#include "tests/worker/trainer/trainer_process.h"
#include "worker/checkpoint/writer.h"

namespace ocellus::trainer {
namespace {

class Protocol : public testing::Test {
 protected:
  Protocol() { WritePictures(folder_ / "pictures", 40); }
  wire::Document Document(int64_t steps) const {
    auto document = TinyDocument(TinyTraining(folder_ / "pictures", steps), folder_ / "store");
    document.checkpoint.commit = wire::Commit::kAgent;
    return document;
  }
  static std::string Prefix(int64_t step) {
    return checkpoint::CheckpointPrefix("default/j-tiny/", step, 1, "0000abcd");
  }
  // Answers one checkpoint as the coordinator would; returns its step.
  int64_t CommitNext(TrainerProcess& process, std::vector<std::string> expired = {}) {
    const auto begin = process.UntilBody<wire::CheckpointBegin>();
    process.Send(wire::Print(wire::CheckpointGrant{begin.step, "u1", Prefix(begin.step)}));
    const auto ready = process.UntilBody<wire::CheckpointReady>();
    EXPECT_EQ(ready.step, begin.step);
    EXPECT_EQ(ready.upload_id, "u1");
    const auto manifest = checkpoint::ParseManifest(ready.manifest, "event");
    EXPECT_EQ(manifest.step, begin.step);
    EXPECT_EQ(manifest.samples, begin.step * 8);
    EXPECT_EQ(manifest.files.size(), 2u);
    EXPECT_FALSE(Exists(Prefix(begin.step) + "manifest.json")) << "the trainer must not commit";
    checkpoint::Commit(*store_, Prefix(begin.step), ready.manifest);
    process.Send(wire::Print(wire::CheckpointResult{begin.step, true, "", std::move(expired)}));
    return begin.step;
  }
  bool Exists(const std::string& key) { return store_->Head(key).has_value(); }

  TempFolder folder_;
  std::unique_ptr<store::ObjectStore> store_ = store::OpenStore("file://" + folder_ / "store");
};

TEST_F(Protocol, ALastCheckpointIsCommittedBeforeSuccess) {
  TrainerProcess process(Document(4));
  EXPECT_EQ(CommitNext(process), 4);
  EXPECT_EQ(process.End().outcome, "SUCCEEDED");
  EXPECT_TRUE(Exists(Prefix(4) + "model.safetensors"));
}

TEST_F(Protocol, ASilentCoordinatorDisturbsNoStep) {
  auto document = Document(1'000'000);
  document.checkpoint.every_steps = 2;
  TrainerProcess process(document);
  EXPECT_EQ(process.UntilBody<wire::CheckpointBegin>().step, 2);
  process.UntilStep(20);
  process.Send(wire::Print(wire::CheckpointGrant{2, "late", Prefix(2)}));
  EXPECT_EQ(process.UntilBody<wire::CheckpointReady>().upload_id, "late");
}

TEST_F(Protocol, WhatRetentionFreedIsDeleted) {
  auto document = Document(1'000'000);
  document.checkpoint.every_steps = 5;
  TrainerProcess process(document);
  const int64_t first = CommitNext(process);
  const int64_t second = CommitNext(process, {Prefix(first)});
  const int64_t third = CommitNext(process);
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_FALSE(Exists(Prefix(first) + "manifest.json"));
  EXPECT_FALSE(Exists(Prefix(first) + "model.safetensors"));
  EXPECT_TRUE(Exists(Prefix(second) + "model.safetensors"));
}

TEST_F(Protocol, RefusalsAreWarningsUntilTheThird) {
  auto document = Document(1'000'000);
  document.checkpoint.every_steps = 2;
  TrainerProcess process(document);
  for (int refusal = 1; refusal <= 3; ++refusal) {
    const auto begin = process.UntilBody<wire::CheckpointBegin>();
    process.Send(wire::Print(wire::CheckpointGrant{begin.step, "u", Prefix(begin.step)}));
    process.UntilBody<wire::CheckpointReady>();
    process.Send(wire::Print(wire::CheckpointResult{begin.step, false, "STALE_GENERATION", {}}));
    EXPECT_EQ(process.UntilBody<wire::CheckpointFailed>().reason, "STALE_GENERATION");
  }
  const auto record = process.End();
  EXPECT_EQ(record.fault_class, wire::FaultClass::kStorage);
  EXPECT_NE(record.message.find("3 checkpoints in a row"), std::string::npos);
}

}  // namespace
}  // namespace ocellus::trainer
