#include "worker/checkpoint/retention.h"

#include <gtest/gtest.h>

#include "tests/worker/checkpoint/checkpoint_cases.h"
#include "worker/checkpoint/writer.h"

namespace ocellus::checkpoint {
namespace {

std::vector<Candidate> Newest(std::vector<int64_t> steps) {
  std::vector<Candidate> candidates;
  for (const int64_t step : steps) candidates.push_back({step, std::to_string(step)});
  return candidates;
}

std::vector<int64_t> Steps(const std::vector<Candidate>& candidates) {
  std::vector<int64_t> steps;
  for (const Candidate& candidate : candidates) steps.push_back(candidate.step);
  return steps;
}

TEST(Retention, KeepsTheNewest) {
  const auto candidates = Newest({500, 400, 300, 200, 100});
  EXPECT_EQ(Steps(Expired(candidates, {.keep = 3})), (std::vector<int64_t>{200, 100}));
  EXPECT_EQ(Steps(Expired(candidates, {.keep = 9})), (std::vector<int64_t>{}));
}

TEST(Retention, KeepsEveryNth) {
  EXPECT_EQ(Steps(Expired(Newest({500, 400, 300, 200, 100}), {.keep_every_steps = 200})),
            (std::vector<int64_t>{300, 100}));
}

TEST(Retention, KeepsTheBest) {
  const TempFolder folder;
  const auto store = store::OpenStore("file://" + folder.path());
  const std::map<int64_t, double> losses = {{100, 3.0}, {200, 1.0}, {300, 2.0}};
  for (const auto& [step, loss] : losses) {
    const Candidate candidate = WriteCheckpoint(*store, step);
    auto manifest = ParseManifest(store->Get(candidate.prefix + kManifestName), "m");
    manifest.metrics = {{"loss", loss}, {"knn_accuracy", loss}};
    store->Delete(candidate.prefix + kManifestName);
    Commit(*store, candidate.prefix, ToText(manifest));
  }
  WriteCheckpoint(*store, 400);  // says nothing
  const auto found = ListCheckpoints(*store, "p/j-1/");
  EXPECT_EQ(BestSteps(*store, found, "loss", 2), (std::set<int64_t>{200, 300}));
  EXPECT_EQ(BestSteps(*store, found, "knn_accuracy", 1), (std::set<int64_t>{100}));
  EXPECT_TRUE(BestSteps(*store, found, "probe_accuracy", 1).empty());
  EXPECT_EQ(Steps(Expired(found, {.best = {200}})), (std::vector<int64_t>{300, 100}));
}

TEST(Retention, NeverGivesUpTheLast) {
  EXPECT_EQ(Steps(Expired(Newest({500, 400}), {.keep = 0})), (std::vector<int64_t>{400}));
  EXPECT_TRUE(Expired({}, {.keep = 0}).empty());
}

TEST(Retention, ListsOnlyWhatIsCommitted) {
  const TempFolder folder;
  const auto store = store::OpenStore("file://" + folder.path());
  WriteCheckpoint(*store, 100);
  const Candidate newest = WriteCheckpoint(*store, 200);
  const std::string uncommitted = CheckpointPrefix("p/j-1/", 300, 2, "00000000");
  store->Put(uncommitted + kModelName, {});
  store->Put("p/j-1/artifacts/history.jsonl", {});

  const auto found = ListCheckpoints(*store, "p/j-1/");
  EXPECT_EQ(Steps(found), (std::vector<int64_t>{200, 100}));
  EXPECT_EQ(found[0].prefix, newest.prefix);
  DeleteCheckpoint(*store, newest.prefix);
  EXPECT_EQ(Steps(ListCheckpoints(*store, "p/j-1/")), (std::vector<int64_t>{100}));
  EXPECT_TRUE(store->List(newest.prefix).empty());
  EXPECT_TRUE(ListCheckpoints(*store, "p/other/").empty());
}

}  // namespace
}  // namespace ocellus::checkpoint
