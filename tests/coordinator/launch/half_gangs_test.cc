// Two gangs that each hold a part of what the other one lacks do not wait for ever.
#include "coordinator/launch/half_gangs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace ocellus::coordinator {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::UnorderedElementsAre;

class HalfGangsTest : public testing::Test {
 protected:
  void Wish(const std::string& job, int position, int ranks) {
    WorkerWish wish;
    wish.position = position;
    wish.generation = 1;
    wish.ranks = ranks;
    wish.name = "name-of-" + job;
    wishes_.pending[job] = wish;
  }
  // The job has pods 0 to `there` - 1, and the first `bound` of them have a machine.
  void Has(const std::string& job, int there, int bound) {
    std::erase_if(pods_, [&](const auto& entry) { return entry.second.job_id == job; });
    for (int i = 0; i < there; ++i) {
      PodState pod;
      pod.name = PodName(job, 1, i);
      pod.uid = pod.name;
      pod.job_id = job;
      pod.generation = 1;
      pod.index = i;
      pod.bound = i < bound;
      pods_[pod.name] = pod;
    }
  }
  std::map<std::string, std::string> After(absl::Duration time) {
    now_ += time;
    return gangs_.Resting(wishes_, pods_, /*ranks_per_pod=*/1, now_);
  }

  LaunchWishes wishes_;
  Pods pods_;
  absl::Duration now_ = absl::Hours(1);
  HalfGangs gangs_;
};

TEST_F(HalfGangsTest, TheLaterOneGivesWay) {
  Wish("j-z", 0, 4);
  Wish("j-a", 1, 4);
  Has("j-z", 4, 2);
  Has("j-a", 4, 2);
  EXPECT_THAT(After(absl::ZeroDuration()), IsEmpty());
  EXPECT_THAT(After(kHalfGangPatience - absl::Seconds(1)), IsEmpty());
  const auto resting = After(absl::Seconds(1));
  ASSERT_THAT(resting, UnorderedElementsAre(Key("j-a")));
  EXPECT_THAT(resting.at("j-a"), HasSubstr("name-of-j-z"));

  wishes_.resting = resting;
  const PodPlan plan = PlanPods(wishes_, pods_, 1);
  EXPECT_THAT(plan.make, IsEmpty());
  ASSERT_EQ(plan.remove.size(), 4u);
  for (const PodDeletion& pod : plan.remove) {
    EXPECT_THAT(pod.name, HasSubstr("j-a-"));
    EXPECT_EQ(pod.why, resting.at("j-a"));
  }
}

TEST_F(HalfGangsTest, ItTriesAgainAndRestsLongerEachTime) {
  Wish("j-1", 0, 2);
  Wish("j-2", 1, 2);
  Has("j-1", 2, 1);
  absl::Duration rest = kHalfGangRestFirst;
  for (int time = 0; time < 8; ++time) {
    Has("j-2", 2, 1);
    EXPECT_THAT(After(absl::ZeroDuration()), IsEmpty()) << time;
    EXPECT_THAT(After(kHalfGangPatience), UnorderedElementsAre(Key("j-2"))) << time;
    Has("j-2", 0, 0);
    EXPECT_THAT(After(rest - absl::Seconds(1)), UnorderedElementsAre(Key("j-2"))) << time;
    EXPECT_THAT(After(absl::Seconds(1)), IsEmpty()) << time;
    rest = std::min(2 * rest, kHalfGangRestLast);
  }
}

TEST_F(HalfGangsTest, WhoIsAloneOrHoldsNothingWaitsInPeace) {
  Wish("j-1", 0, 2);
  Has("j-1", 2, 1);
  EXPECT_THAT(After(absl::ZeroDuration()), IsEmpty());
  EXPECT_THAT(After(absl::Hours(10)), IsEmpty());
  // One that holds nothing blocks nobody, one that has all is about to be placed.
  Wish("j-2", 1, 2);
  Wish("j-3", 2, 2);
  Has("j-2", 2, 0);
  Has("j-3", 2, 2);
  EXPECT_THAT(After(absl::ZeroDuration()), IsEmpty());
  EXPECT_THAT(After(absl::Hours(10)), IsEmpty());
}

TEST_F(HalfGangsTest, WhatEndedOrLeavesIsNotHeld) {
  Wish("j-1", 0, 2);
  Wish("j-2", 1, 2);
  Has("j-1", 2, 1);
  Has("j-2", 2, 1);
  pods_[PodName("j-2", 1, 0)].deleting = true;
  EXPECT_THAT(After(absl::ZeroDuration()), IsEmpty());
  EXPECT_THAT(After(absl::Hours(1)), IsEmpty());
}

TEST_F(HalfGangsTest, PatienceBeginsAnewOnceAGangHadAll) {
  Wish("j-1", 0, 2);
  Wish("j-2", 1, 2);
  Has("j-1", 2, 1);
  Has("j-2", 2, 1);
  EXPECT_THAT(After(kHalfGangPatience - absl::Seconds(1)), IsEmpty());
  Has("j-2", 2, 2);
  EXPECT_THAT(After(absl::Seconds(1)), IsEmpty());
  Has("j-2", 2, 1);
  EXPECT_THAT(After(kHalfGangPatience - absl::Seconds(1)), IsEmpty());
}

}  // namespace
}  // namespace ocellus::coordinator
