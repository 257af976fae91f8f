// A run that is killed and goes on ends with the same bits as one that was left alone.
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "tests/worker/trainer/tiny_job.h"
#include "tests/worker/trainer/trainer_process.h"
#include "worker/checkpoint/restore.h"
#include "worker/checkpoint/retention.h"
#include "worker/checkpoint/slices.h"

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

// A file of the newest checkpoint, as one rank would have written it.
std::string WholeFile(store::ObjectStore& store, const checkpoint::Candidate& from,
                      const char* name) {
  const checkpoint::Restored restored = checkpoint::Read(store, from);
  const auto& tensors = restored.files.at(name).tensors();
  std::string bytes = checkpoint::EncodeHeader(tensors, {});
  for (const auto& tensor : tensors) {
    bytes.append(reinterpret_cast<const char*>(tensor.data), tensor.bytes);
  }
  return bytes;
}

// Parameters, optimizer state and history at the end of a run.
std::vector<std::string> Outcome(const wire::Document& document) {
  const auto store = store::OpenStore(document.store);
  const auto found = checkpoint::ListCheckpoints(*store, document.prefix);
  if (found.empty() || found.front().step != kSteps) {
    ADD_FAILURE() << "no checkpoint of the last step";
    return {};
  }
  return {WholeFile(*store, found.front(), checkpoint::kModelName),
          WholeFile(*store, found.front(), checkpoint::kOptimizerName),
          store->Get(document.prefix + "artifacts/history.jsonl"),
          store->Get(document.prefix + "artifacts/encoder.safetensors"),
          store->Get(document.prefix + "artifacts/knn.json"),
          store->Get(document.prefix + "artifacts/evaluation.json")};
}

class Resume : public testing::TestWithParam<int> {
 protected:
  Resume() { WritePictures(folder_ / "pictures", 40); }
  wire::Document Document(const std::string& store) const {
    auto training = TinyTraining(folder_ / "pictures", kSteps);
    training["data"]["augment"].update(augment_);
    return TinyDocument(training, folder_ / store);
  }
  std::vector<std::string> Undisturbed() {
    auto gang = StartGang(Document("whole"), GetParam());
    for (const auto& record : EndAll(gang)) EXPECT_EQ(record.outcome, "SUCCEEDED");
    return Outcome(Document("whole"));
  }
  // After SIGKILL of the last rank in step `step`, the others notice; then all start again.
  void KillAndResume() {
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
  TempFolder folder_;
  nlohmann::json augment_ = nlohmann::json::object();  // of data.augment, what is not the default
};

TEST_P(Resume, AfterSigkillGivesTheSameBits) { KillAndResume(); }

TEST_P(Resume, AfterSigkillGivesTheSameBitsWhereTheDeviceMakesTheViews) {
  augment_ = {{"backend", "device"}, {"color_jitter", 1}, {"hue", 0.2},
              {"contrast", 0.5},     {"blur", 0.5},       {"solarize", 0.5}};
  KillAndResume();
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
  // The last rank's slice, if there are some.
  const std::string name =
      checkpoint::SliceName(checkpoint::kModelName, GetParam() - 1, GetParam());
  const auto model =
      std::filesystem::path(folder_ / "damaged") / document.restore.front().uri / name;
  std::filesystem::resize_file(model, std::filesystem::file_size(model) - 1);

  auto again = StartGang(document, GetParam());
  const auto damaged = again.front()->UntilBody<wire::Damaged>();
  EXPECT_EQ(damaged.uri, document.restore.front().uri);
  EXPECT_NE(damaged.fault.find(name), std::string::npos) << damaged.fault;
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

class Resize : public Resume {
 protected:
  // 12 images a step: what 2, 3 and 4 ranks can share.
  wire::Document Twelve(const std::string& store) const {
    wire::Document document = Document(store);
    document.spec["batch"]["global"] = 12;
    return document;
  }
  // Loss by step, as the history has it.
  static std::map<int64_t, double> Losses(const wire::Document& document) {
    const auto store = store::OpenStore(document.store);
    std::istringstream lines(store->Get(document.prefix + "artifacts/history.jsonl"));
    std::map<int64_t, double> losses;
    for (std::string line; std::getline(lines, line);) {
      const auto record = nlohmann::json::parse(line);
      losses[record["step"]] = record["loss"];
    }
    return losses;
  }
  // The values of a file of the last checkpoint, one after the other.
  static std::vector<float> Values(const wire::Document& document, const char* file) {
    const auto store = store::OpenStore(document.store);
    const auto restored =
        checkpoint::Read(*store, checkpoint::ListCheckpoints(*store, document.prefix).front());
    EXPECT_EQ(restored.manifest.samples, 12 * kSteps);
    std::vector<float> values;
    for (const auto& tensor : restored.files.at(file).tensors()) {
      if (tensor.dtype != "F32") continue;
      const auto* first = reinterpret_cast<const float*>(tensor.data);
      values.insert(values.end(), first, first + tensor.bytes / sizeof(float));
    }
    return values;
  }
};

TEST_P(Resize, GangsOfFourTwoAndThreeAreOneRun) {
  auto undisturbed = StartGang(Twelve("whole"), 4);
  for (const auto& record : EndAll(undisturbed)) EXPECT_EQ(record.outcome, "SUCCEEDED");
  wire::Document document = Twelve("resized");
  int64_t last = 0;
  for (const auto& [ranks, step] : {std::pair(4, 3), {2, 7}, {3, 11}}) {
    auto gang = StartGang(document, ranks);
    gang.front()->UntilStep(step);
    gang.front()->Send(wire::Print(wire::Stop{"RESIZE", 60, true}));
    for (const auto& record : EndAll(gang)) EXPECT_EQ(record.outcome, "STOPPED_AT");
    ListRestorePoints(&document);
    EXPECT_GT(document.restore.front().step, last);
    last = document.restore.front().step;
  }
  auto gang = StartGang(document, 4);
  EXPECT_EQ(gang.front()->UntilBody<wire::Restored>().step, last);
  for (const auto& record : EndAll(gang)) EXPECT_EQ(record.outcome, "SUCCEEDED");

  // Sums over ranks round in another order; another sample would show in the second digit.
  const auto whole = Losses(Twelve("whole")), resized = Losses(document);
  ASSERT_EQ(resized.size(), static_cast<size_t>(kSteps));
  for (const auto& [step, loss] : whole) EXPECT_NEAR(resized.at(step), loss, 1e-4 * loss) << step;
  for (const char* file : {checkpoint::kModelName, checkpoint::kOptimizerName}) {
    const auto expected = Values(Twelve("whole"), file), got = Values(document, file);
    ASSERT_EQ(got.size(), expected.size());
    for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], 2e-3) << file;
  }
}

INSTANTIATE_TEST_SUITE_P(Once, Resize, testing::Values(4));

}  // namespace
}  // namespace ocellus::trainer
