#include "coordinator/scheduler/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"

namespace ocellus::coordinator {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

NodeView Node(const std::string& name, int cpu_slots, int gpus = 0) {
  NodeView node{name, true, false, {}};
  for (int i = 0; i < cpu_slots; ++i) {
    node.slots.push_back({-1, ""});
  }
  for (int i = 0; i < gpus; ++i) {
    node.slots.push_back({i, ""});
  }
  return node;
}

PendingJob Job(const std::string& id, int ranks, int priority = 0, int age_s = 0) {
  PendingJob job;
  job.id = id;
  job.ranks = ranks;
  job.priority = priority;
  job.queued = kNow - absl::Seconds(age_s);
  job.device = v1::DEVICE_CPU;
  return job;
}

std::vector<std::string> Placed(const Plan& plan) {
  std::vector<std::string> ids;
  for (const Placement& placement : plan.placements) {
    ids.push_back(placement.job_id);
  }
  return ids;
}

Waiting Why(const Plan& plan, const std::string& id) {
  for (const Waiting& waiting : plan.waiting) {
    if (waiting.job_id == id) {
      return waiting;
    }
  }
  ADD_FAILURE() << id << " does not wait";
  return {};
}

TEST(PlanTest, WholeGangOrNothing) {
  const Plan plan = MakePlan({kNow, {Node("a", 2)}, {Job("big", 3), Job("fits", 2, -1)}});
  EXPECT_THAT(Placed(plan), testing::ElementsAre("fits"));
  EXPECT_THAT(plan.placements[0].grants, SizeIs(2));
  EXPECT_EQ(Why(plan, "big").reason, v1::JOB_REASON_EXCEEDS_CLUSTER_EVER);
  EXPECT_THAT(Why(plan, "big").message, HasSubstr("needs 3 CPU slots, the whole cluster has 2"));
}

TEST(PlanTest, PriorityThenAge) {
  const Plan plan = MakePlan({kNow,
                              {Node("a", 3)},
                              {Job("young", 1, 0, 1), Job("old", 1, 0, 9), Job("urgent", 1, 5, 0),
                               Job("low", 1, -5, 99)}});
  EXPECT_THAT(Placed(plan), testing::ElementsAre("urgent", "old", "young"));
  EXPECT_EQ(Why(plan, "low").reason, v1::JOB_REASON_WAITING_FOR_SLOTS);
  EXPECT_THAT(Why(plan, "low").message, HasSubstr("held by"));
}

TEST(PlanTest, SmallJobsDoNotStarveABigOne) {
  NodeView node = Node("a", 4);
  node.slots[0].user = "running";
  const Plan plan = MakePlan({kNow, {node}, {Job("big", 4, 0, 9), Job("small", 1, 0, 1)}});
  EXPECT_THAT(Placed(plan), IsEmpty());
  EXPECT_EQ(Why(plan, "big").reason, v1::JOB_REASON_FRAGMENTED);
  EXPECT_THAT(Why(plan, "big").message, HasSubstr("3 of 4 are free; held by running"));
  EXPECT_THAT(Why(plan, "small").message, HasSubstr("big is placed first"));
}

TEST(PlanTest, TightestNodeFirstThenAsFewAsPossible) {
  const Plan tight = MakePlan({kNow, {Node("a", 8), Node("b", 2), Node("c", 4)}, {Job("j", 2)}});
  EXPECT_EQ(tight.placements[0].grants[0].node, "b");
  EXPECT_EQ(tight.placements[0].grants[1].node, "b");
  const Plan spread = MakePlan({kNow, {Node("a", 2), Node("b", 4), Node("c", 1)}, {Job("j", 6)}});
  std::map<std::string, int> by_node;
  for (const Grant& grant : spread.placements.at(0).grants) {
    ++by_node[grant.node];
  }
  EXPECT_EQ(by_node, (std::map<std::string, int>{{"a", 2}, {"b", 4}}));
}

TEST(PlanTest, BackoffRests) {
  PendingJob job = Job("j", 1);
  job.backoff_until = kNow + absl::Seconds(1);
  job.waiting_message = "why it failed";
  const Plan rest = MakePlan({kNow, {Node("a", 1)}, {job}});
  EXPECT_EQ(Why(rest, "j").reason, v1::JOB_REASON_BACKOFF);
  EXPECT_EQ(Why(rest, "j").message, "why it failed");
  EXPECT_THAT(Placed(MakePlan({kNow + absl::Seconds(1), {Node("a", 1)}, {job}})), SizeIs(1));
}

TEST(PlanTest, NodesThatDoNotCount) {
  EXPECT_EQ(Why(MakePlan({kNow, {}, {Job("j", 1)}}), "j").reason, v1::JOB_REASON_NO_NODES);
  NodeView lost = Node("a", 2);
  lost.ready = false;
  EXPECT_EQ(Why(MakePlan({kNow, {lost}, {Job("j", 1)}}), "j").reason, v1::JOB_REASON_NO_NODES);
  NodeView cordoned = Node("b", 2);
  cordoned.cordoned = true;
  const Plan plan = MakePlan({kNow, {lost, cordoned, Node("c", 1)}, {Job("j", 2)}});
  EXPECT_EQ(Why(plan, "j").reason, v1::JOB_REASON_NODES_CORDONED);
  EXPECT_THAT(Why(plan, "j").message, HasSubstr("only 1 of 5"));
}

TEST(PlanTest, AutoTakesGpusWhereTheClusterHasThem) {
  PendingJob job = Job("j", 2);
  job.device = v1::DEVICE_AUTO;
  EXPECT_EQ(MakePlan({kNow, {Node("a", 4)}, {job}}).placements.at(0).grants[0].gpu, -1);
  const Plan plan = MakePlan({kNow, {Node("a", 4, 2)}, {job}});
  EXPECT_EQ(plan.placements.at(0).grants[0].gpu, 0);
  EXPECT_EQ(plan.placements.at(0).grants[1].gpu, 1);
  // Busy GPUs are waited for.
  NodeView busy = Node("a", 4, 2);
  busy.slots[4].user = "other";
  EXPECT_THAT(Why(MakePlan({kNow, {busy}, {job}}), "j").message, HasSubstr("2 GPUs, 1 of 2"));
}

TEST(PlanTest, KindsDoNotBlockEachOther) {
  PendingJob gpu = Job("gpu", 2, 9);
  gpu.device = v1::DEVICE_CUDA;
  NodeView node = Node("a", 2, 2);
  node.slots[2].user = "other";
  EXPECT_THAT(Placed(MakePlan({kNow, {node}, {gpu, Job("cpu", 2)}})), testing::ElementsAre("cpu"));
}

// Invariants on many random snapshots: no slot twice, whole gangs, one verdict a job, repeatable.
TEST(PlanTest, InvariantsOnRandomSnapshots) {
  std::mt19937 random(7);
  const auto pick = [&](int n) { return static_cast<int>(random() % n); };
  for (int round = 0; round < 300; ++round) {
    Snapshot snapshot{kNow, {}, {}};
    std::map<std::string, int> free;
    for (int i = 0; i < 1 + pick(5); ++i) {
      NodeView node = Node(absl::StrCat("n", i), pick(5), pick(4));
      node.ready = pick(5) > 0;
      for (SlotView& slot : node.slots) {
        slot.user = pick(3) == 0 ? "someone" : "";
        free[node.name] += slot.user.empty() && node.ready ? 1 : 0;
      }
      snapshot.nodes.push_back(node);
    }
    for (int i = 0; i < pick(12); ++i) {
      PendingJob job = Job(absl::StrCat("j", i), 1 + pick(5), pick(3), pick(100));
      job.device = static_cast<v1::Device>(1 + pick(3));
      snapshot.pending.push_back(job);
    }
    const Plan plan = MakePlan(snapshot);
    EXPECT_EQ(plan.placements.size() + plan.waiting.size(), snapshot.pending.size());
    std::set<std::pair<std::string, int>> gpus;
    for (const Placement& placement : plan.placements) {
      for (const Grant& grant : placement.grants) {
        EXPECT_GE(--free[grant.node], 0);
        EXPECT_TRUE(grant.gpu < 0 || gpus.emplace(grant.node, grant.gpu).second);
      }
    }
    EXPECT_EQ(Placed(plan), Placed(MakePlan(snapshot)));
  }
}

TEST(PlanTest, NodesMadeForAJobAreItsAlone) {
  NodeView made = Node("made", 2);
  made.only_for = "a";
  const Plan plan = MakePlan({kNow, {made, Node("all", 2)}, {Job("b", 3), Job("a", 2)}});
  EXPECT_THAT(Placed(plan), testing::ElementsAre("a"));
  EXPECT_EQ(plan.placements[0].grants[0].node, "made");
  EXPECT_EQ(Why(plan, "b").reason, v1::JOB_REASON_EXCEEDS_CLUSTER_EVER);
  // Too few were made: then all of it goes onto nodes for all, none onto both.
  const Plan whole = MakePlan({kNow, {made, Node("all", 3)}, {Job("a", 3)}});
  ASSERT_THAT(whole.placements, SizeIs(1));
  for (const Grant& grant : whole.placements[0].grants) {
    EXPECT_EQ(grant.node, "all");
  }
}

}  // namespace
}  // namespace ocellus::coordinator
