#include "worker/agent/rank_document.h"

#include <gtest/gtest.h>

namespace ocellus::agent {
namespace {

v1::StartGang Order() {
  v1::StartGang order;
  order.mutable_gang()->set_job_id("j-1");
  order.mutable_gang()->set_generation(3);
  order.set_job_name("demo");
  order.set_project("vision");
  order.set_world(3);
  for (int rank = 0; rank < 3; ++rank) {
    v1::RankPlacement* placement = order.add_ranks();
    placement->set_rank(rank);
    placement->set_node(rank == 0 ? "a" : "b");
    placement->set_gpu(rank - 1);
  }
  order.set_master_addr("10.0.0.1");
  order.set_master_port(29500);
  order.set_resolved_json(R"({"seed": 7})");
  order.mutable_checkpoint()->set_every_steps(100);
  order.mutable_checkpoint()->set_keep(2);
  order.mutable_checkpoint()->set_keep_every_steps(1000);
  order.set_store_uri("file:///data/store");
  order.set_prefix("vision/j-1/");
  v1::Checkpoint* checkpoint = order.add_restore();
  checkpoint->set_step(200);
  checkpoint->set_uri("file:///data/store/vision/j-1/checkpoints/step-000000200/g0002-ab/");
  return order;
}

TEST(Documents, EachOwnRankGetsItsOwn) {
  const auto documents = Documents(Order(), "b", 29500, 2);
  ASSERT_TRUE(documents.ok()) << documents.status();
  ASSERT_EQ(documents->size(), 2u);
  const wire::Document& document = (*documents)[1];
  EXPECT_EQ(document.job, "j-1");
  EXPECT_EQ(document.name, "demo");
  EXPECT_EQ(document.project, "vision");
  EXPECT_EQ(document.generation, 3);
  EXPECT_EQ(document.rank, 2);
  EXPECT_EQ(document.local_rank, 1);
  EXPECT_EQ(document.world, 3);
  EXPECT_EQ(document.master_addr, "10.0.0.1");
  EXPECT_EQ(document.master_port, 29500);
  EXPECT_EQ(document.device, "cuda");
  EXPECT_EQ(document.gpu, 1);
  EXPECT_EQ(document.threads, 2);
  EXPECT_EQ(document.spec["seed"], 7);
  EXPECT_EQ(document.store, "file:///data/store");
  EXPECT_EQ(document.prefix, "vision/j-1/");
  EXPECT_EQ(document.checkpoint.every_steps, 100);
  EXPECT_EQ(document.checkpoint.keep, 2);
  EXPECT_EQ(document.checkpoint.keep_every_steps, 1000);
  EXPECT_EQ(document.checkpoint.commit, wire::Commit::kAgent);
  ASSERT_EQ(document.restore.size(), 1u);
  EXPECT_EQ(document.restore[0].step, 200);
  EXPECT_EQ(document.restore[0].uri, "vision/j-1/checkpoints/step-000000200/g0002-ab/");
  std::string error;
  EXPECT_TRUE(wire::ParseDocument(wire::Print(document), &error)) << error;
}

TEST(Documents, AStoreWithSettingsKeepsThemApart) {
  v1::StartGang order = Order();
  order.set_store_uri("s3://bucket/pre?endpoint=http://127.0.0.1:9000");
  const std::string key = "vision/j-1/checkpoints/step-000000200/g0002-ab/";
  order.mutable_restore(0)->set_uri("s3://bucket/pre/" + key + "?endpoint=http://127.0.0.1:9000");
  const auto documents = Documents(order, "a", 29500, 1);
  ASSERT_TRUE(documents.ok());
  EXPECT_EQ((*documents)[0].store, order.store_uri());
  EXPECT_EQ((*documents)[0].restore[0].uri, key);
}

TEST(Documents, ARankWithoutGpuIsOnTheCpu) {
  const auto documents = Documents(Order(), "a", 29500, 1);
  ASSERT_TRUE(documents.ok());
  EXPECT_EQ((*documents)[0].device, "cpu");
  EXPECT_EQ((*documents)[0].gpu, -1);
}

TEST(Documents, AOneNodeGangIsOnLoopback) {
  v1::StartGang order = Order();
  order.clear_master_addr();
  for (auto& placement : *order.mutable_ranks()) placement.set_node("a");
  const auto documents = Documents(order, "a", 20001, 1);
  ASSERT_TRUE(documents.ok());
  EXPECT_EQ((*documents)[2].master_addr, "127.0.0.1");
  EXPECT_EQ((*documents)[2].master_port, 20001);
}

TEST(Documents, OrdersWithoutSenseAreRefused) {
  v1::StartGang order = Order();
  order.set_resolved_json("[1]");
  EXPECT_FALSE(Documents(order, "a", 29500, 1).ok());
  order = Order();
  order.clear_master_addr();
  EXPECT_FALSE(Documents(order, "a", 29500, 1).ok());
  EXPECT_EQ(Documents(Order(), "a", 0, 1).status().code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace ocellus::agent
