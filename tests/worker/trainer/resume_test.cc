// A run that is killed and goes on ends with the same bits as one that was left alone.
#include <gtest/gtest.h>

#include "tests/worker/trainer/tiny_job.h"
#include "tests/worker/trainer/trainer_process.h"
#include "worker/checkpoint/retention.h"

namespace ocellus::trainer {
namespace {

constexpr int64_t kSteps = 17;

std::vector<wire::ExitRecord> EndAll(std::vector<std::unique_ptr<TrainerProcess>>& gang) {
  std::vector<wire::ExitRecord> records;
  for (auto& process : gang) records.push_back(process->End());
  return records;
}

void ListRestorePoints(wire::Document* document) {
  const auto store = store::OpenStore(document->store);
  document->restore.clear();
  for (const auto& found : checkpoint::ListCheckpoints(*store, document->prefix)) {
    document->restore.push_back({found.step, found.prefix});
  }
  ++document->generation;
}

// Parameters, optimizer state and history at the end of a run.
std::vector<std::string> Outcome(const wire::Document& document) {
  const auto store = store::OpenStore(document.store);
  const auto found = checkpoint::ListCheckpoints(*store, document.prefix);
  if (found.empty() || found.front().step != kSteps) {
    ADD_FAILURE() << "no checkpoint of the last step";
    return {};
  }
  return {store->Get(found.front().prefix + checkpoint::kModelName),
          store->Get(found.front().prefix + checkpoint::kOptimizerName),
          store->Get(document.prefix + "artifacts/history.jsonl"),
          store->Get(document.prefix + "artifacts/encoder.safetensors"),
          store->Get(document.prefix + "artifacts/knn.json"),
          store->Get(document.prefix + "artifacts/evaluation.json")};
}

class Resume : public testing::TestWithParam<int> {
 protected:
  Resume() { WritePictures(folder_ / "pictures", 40); }
  wire::Document Document(const std::string& store) const {
    return TinyDocument(TinyTraining(folder_ / "pictures", kSteps), folder_ / store);
  }
  std::vector<std::string> Undisturbed() {
    auto gang = StartGang(Document("whole"), GetParam());
    for (const auto& record : EndAll(gang)) EXPECT_EQ(record.outcome, "SUCCEEDED");
    return Outcome(Document("whole"));
  }
  TempFolder folder_;
};

// After SIGKILL of the last rank in step `step`, the others notice; then all start again.
TEST_P(Resume, AfterSigkillGivesTheSameBits) {
  const auto whole = Undisturbed();
  wire::Document document = Document("killed");
  for (const int64_t step : {3, 8, 14}) {
    auto gang = StartGang(document, GetParam());
    gang.front()->UntilStep(step);
    gang.back()->Kill();
    for (size_t rank = 0; rank + 1 < gang.size(); ++rank) {
      EXPECT_EQ(gang[rank]->End().outcome, "PEER_LOST");
    }
    ListRestorePoints(&document);
  }
  auto gang = StartGang(document, GetParam());
  for (const auto& record : EndAll(gang)) EXPECT_EQ(record.outcome, "SUCCEEDED");
  EXPECT_TRUE(Outcome(document) == whole) << "the resumed run differs";
}

TEST_P(Resume, AfterAStopGivesTheSameBits) {
  const auto whole = Undisturbed();
  wire::Document document = Document("stopped");
  auto gang = StartGang(document, GetParam());
  gang.front()->UntilStep(7);
  gang.back()->Send(wire::Print(wire::Stop{"DRAIN", 60, true}));
  const auto records = EndAll(gang);
  for (const auto& record : records) {
    EXPECT_EQ(record.outcome, "STOPPED_AT");
    EXPECT_EQ(record.step, records.front().step);
  }
  ListRestorePoints(&document);
  ASSERT_FALSE(document.restore.empty());
  EXPECT_EQ(document.restore.front().step, records.front().step);

  auto again = StartGang(document, GetParam());
  for (const auto& record : EndAll(again)) EXPECT_EQ(record.outcome, "SUCCEEDED");
  EXPECT_TRUE(Outcome(document) == whole) << "the resumed run differs";
}

INSTANTIATE_TEST_SUITE_P(Ranks, Resume, testing::Values(1, 2));

class Restore : public Resume {};

TEST_P(Restore, FallsBackPastADamagedCheckpoint) {
  wire::Document document = Document("damaged");
  auto gang = StartGang(document, GetParam());
  gang.front()->UntilStep(13);
  gang.front()->Send(wire::Print(wire::Stop{"DRAIN", 60, true}));
  EndAll(gang);
  ListRestorePoints(&document);
  ASSERT_GE(document.restore.size(), 2u);
  const auto model = std::filesystem::path(folder_ / "damaged") / document.restore.front().uri /
                     checkpoint::kModelName;
  std::filesystem::resize_file(model, std::filesystem::file_size(model) - 1);

  auto again = StartGang(document, GetParam());
  const auto damaged = again.front()->UntilBody<wire::Damaged>();
  EXPECT_EQ(damaged.uri, document.restore.front().uri);
  EXPECT_NE(damaged.fault.find("model.safetensors"), std::string::npos) << damaged.fault;
  EXPECT_EQ(again.front()->UntilBody<wire::Restored>().step, document.restore[1].step);
  for (const auto& record : EndAll(again)) EXPECT_EQ(record.outcome, "SUCCEEDED");
}

TEST_P(Restore, NeverStartsFromNothingWhenACheckpointWasPromised) {
  wire::Document document = Document("gone");
  document.restore = {{5, document.prefix + "checkpoints/step-000000005/g0001-00000000/"}};
  auto gang = StartGang(document, GetParam());
  EXPECT_EQ(gang.front()->End().outcome, "NO_CHECKPOINT_LEFT");
}

INSTANTIATE_TEST_SUITE_P(Ranks, Restore, testing::Values(1, 2));

}  // namespace
}  // namespace ocellus::trainer
