#include "worker/agent/inventory.h"

#include <gtest/gtest.h>

namespace ocellus::agent {
namespace {

TEST(Inventory, GpusAreReadFromNvidiaSmi) {
  const auto inventory = ParseGpus(
      "0, GPU-aa, NVIDIA H200, 143771\n"
      "1, GPU-bb, NVIDIA H200, 143771\n");
  ASSERT_TRUE(inventory.ok()) << inventory.status();
  ASSERT_EQ(inventory->gpus_size(), 2);
  EXPECT_EQ(inventory->gpus(1).index(), 1);
  EXPECT_EQ(inventory->gpus(1).uuid(), "GPU-bb");
  EXPECT_EQ(inventory->gpus(1).model(), "NVIDIA H200");
  EXPECT_EQ(inventory->gpus(1).memory_bytes(), int64_t{143771} << 20);
}

TEST(Inventory, RubbishIsNamed) {
  EXPECT_EQ(ParseGpus("")->gpus_size(), 0);
  const auto inventory = ParseGpus("No devices were found");
  EXPECT_NE(inventory.status().message().find("No devices"), std::string::npos);
}

TEST(Inventory, OfThisMachine) {
  const v1::Inventory inventory = TakeInventory(3);
  EXPECT_EQ(inventory.cpu_slots(), 3);
  EXPECT_FALSE(inventory.host().empty());
}

}  // namespace
}  // namespace ocellus::agent
