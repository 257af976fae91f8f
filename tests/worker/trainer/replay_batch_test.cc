#include "worker/trainer/replay_batch.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "models/weights/weights.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const models::InputWishes kWishes{{{"images", 8}}, {{"noise", 4}}};

class ReplayBatchFile : public testing::Test {
 protected:
  std::string Write(const models::Tensors& tensors) {
    models::weights::WriteTensors(tensors, {}, path_);
    return path_;
  }
  std::string Refusal(const models::Tensors& tensors, int world = 1, int64_t accumulate = 1) {
    try {
      ReadReplayBatch(Write(tensors), kWishes, 0, world, accumulate, torch::kCPU);
    } catch (const wire::Fault& fault) {
      EXPECT_EQ(fault.outcome(), "BAD_BATCH");
      return fault.what();
    }
    return "";
  }
  void TearDown() override { std::filesystem::remove(path_); }

  std::string path_ = testing::TempDir() + "batch-" + std::to_string(getpid()) + ".safetensors";
};

TEST_F(ReplayBatchFile, IsSplitInRankOrderAndThenIntoMicroBatches) {
  const auto noise = torch::arange(32, torch::kFloat32).view({8, 4});
  const auto path = Write({{"images", torch::zeros({8, 3, 8, 8})}, {"noise", noise}});
  const auto batch = ReadReplayBatch(path, kWishes, 1, 2, 2, torch::kCPU);
  EXPECT_EQ(batch.samples, 8);
  ASSERT_EQ(batch.micro_batches.size(), 2u);
  EXPECT_TRUE(batch.micro_batches[0].at("noise").equal(noise.slice(0, 4, 6)));
  EXPECT_TRUE(batch.micro_batches[1].at("noise").equal(noise.slice(0, 6, 8)));
}

TEST_F(ReplayBatchFile, EveryNameAtFaultIsListed) {
  EXPECT_THAT(Refusal({{"images", torch::zeros({2, 3, 8, 9})}, {"labels", torch::zeros({2})}}),
              AllOf(HasSubstr("images has shape [2, 3, 8, 9], expected [N, 3, 8, 8]"),
                    HasSubstr("noise is missing"), HasSubstr("labels is unexpected")));
}

TEST_F(ReplayBatchFile, BothTensorsHaveTheSameSamples) {
  EXPECT_THAT(Refusal({{"images", torch::zeros({2, 3, 8, 8})}, {"noise", torch::zeros({3, 4})}}),
              HasSubstr("has shape"));
}

TEST_F(ReplayBatchFile, TheTypeIsNamed) {
  EXPECT_THAT(Refusal({{"images", torch::zeros({2, 3, 8, 8})},
                       {"noise", torch::zeros({2, 4}, torch::kLong)}}),
              HasSubstr("noise is not F32"));
}

TEST_F(ReplayBatchFile, SamplesMustDivide) {
  const models::Tensors three{{"images", torch::zeros({3, 3, 8, 8})},
                              {"noise", torch::zeros({3, 4})}};
  EXPECT_THAT(Refusal(three, 2), HasSubstr("3 samples do not divide over --ranks 2"));
}

}  // namespace
}  // namespace ocellus::trainer
