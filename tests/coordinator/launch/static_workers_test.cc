#include "coordinator/launch/static_workers.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace ocellus::coordinator {
namespace {

GangPlan PlanOn(std::vector<RankSeat> seats) {
  GangPlan plan;
  plan.job_id = "j-1";
  plan.generation = 3;
  plan.spec.set_name("a");
  plan.seats = AssignRanks(std::move(seats));
  plan.hosts = {{"n1", "10.0.0.1"}, {"n2", "10.0.0.2"}};
  return plan;
}

TEST(AssignRanksTest, ByNodeAndGpuWhateverTheOrder) {
  std::vector<RankSeat> seats = {{0, "n2", 1}, {0, "n1", 0}, {0, "n2", 0}, {0, "n1", 3}};
  const auto expected = AssignRanks(seats);
  EXPECT_EQ(expected[0].node, "n1");
  EXPECT_EQ(expected[1].gpu, 3);
  EXPECT_EQ(expected[3].rank, 3);
  std::reverse(seats.begin(), seats.end());
  const auto again = AssignRanks(seats);
  for (size_t i = 0; i < again.size(); ++i) {
    EXPECT_EQ(again[i].node, expected[i].node);
    EXPECT_EQ(again[i].gpu, expected[i].gpu);
  }
}

TEST(MakeStartGangTest, OneNodeLetsTheAgentPickThePort) {
  const v1::StartGang order = MakeStartGang(PlanOn({{0, "n1", -1}, {0, "n1", -1}}));
  EXPECT_EQ(order.world(), 2);
  EXPECT_EQ(order.master_addr(), "127.0.0.1");
  EXPECT_EQ(order.master_port(), 0);
  EXPECT_EQ(order.device(), v1::DEVICE_CPU);
  EXPECT_EQ(order.gang().generation(), 3);
}

TEST(MakeStartGangTest, ManyNodesMeetAtRankZero) {
  const GangPlan plan = PlanOn({{0, "n2", 0}, {0, "n1", 0}});
  const v1::StartGang order = MakeStartGang(plan);
  EXPECT_EQ(order.master_addr(), "10.0.0.1");
  EXPECT_GE(order.master_port(), 20000);
  EXPECT_LT(order.master_port(), 30000);
  EXPECT_EQ(order.master_port(), MakeStartGang(plan).master_port());
  EXPECT_EQ(order.device(), v1::DEVICE_CUDA);
}

}  // namespace
}  // namespace ocellus::coordinator
