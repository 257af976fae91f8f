#include "models/ops/batch_norm.h"

#include <gtest/gtest.h>

#include "tests/models/ops/agreement.h"
#include "tests/models/ops/thread_ranks.h"
#include "worker/wire/fault.h"

namespace ocellus::models::ops {
namespace {

constexpr double kEps = 1e-5, kMomentum = 0.1;

RunningStatistics Running(int64_t channels) {
  return {Normal({channels}, 21), Normal({channels}, 22).abs() + 0.5,
          torch::tensor(3, torch::kInt64)};
}

torch::Tensor Part(const Tensors& in, size_t i) { return in.size() > i ? in[i] : torch::Tensor(); }

// Inputs: x and, when affine, weight and bias.
Formula Fused(Collectives& collectives) {
  return [&collectives](const Tensors& in) -> Tensors {
    const torch::Tensor y = BatchNormTraining(in[0], Part(in, 1), Part(in, 2),
                                              Running(in[0].size(1)), kMomentum, kEps, collectives);
    EXPECT_EQ(y.scalar_type(), in[0].scalar_type());
    EXPECT_EQ(y.sizes(), in[0].sizes());
    return {y};
  };
}

Tensors Formula64(const Tensors& in) {
  return {torch::batch_norm(in[0], Part(in, 1), Part(in, 2), {}, {}, true, 0.0, kEps, false)};
}

Tensors Inputs(at::IntArrayRef shape, bool affine = true) {
  Tensors inputs{Normal(shape, 1) * 1.5 + 0.7};
  if (affine) {
    inputs.push_back(Normal({shape[1]}, 2));
    inputs.push_back(Normal({shape[1]}, 3));
  }
  return inputs;
}

TEST(BatchNormTest, AgreesInFp32) {
  SingleRank alone;
  for (const auto& shape : std::vector<std::vector<int64_t>>{
           {3, 5}, {64, 33}, {2, 3, 1, 1}, {4, 7, 5, 3}, {8, 16, 14, 14}}) {
    ExpectAgreement(Fused(alone), Formula64, Inputs(shape), 3e-5);
  }
  // The gradient of two values is what terms of size 1 leave when they cancel: 6e-5, of which half
  // a unit in the terms' last place is 1e-3.
  ExpectAgreement(Fused(alone), Formula64, Inputs({2, 1}), 1e-4);
}

TEST(BatchNormTest, AgreesWithoutWeightAndBias) {
  SingleRank alone;
  ExpectAgreement(Fused(alone), Formula64, Inputs({9, 5}, false), 1e-5);
  ExpectAgreement(Fused(alone), Formula64, Inputs({4, 6, 3, 3}, false), 1e-5);
}

TEST(BatchNormTest, AgreesInBf16AndChannelsLast) {
  SingleRank alone;
  Tensors inputs = Inputs({6, 8, 5, 5});
  inputs[0] = inputs[0].contiguous(torch::MemoryFormat::ChannelsLast);
  ExpectAgreement(Fused(alone), Formula64, inputs, 1e-5);
  inputs[0] = inputs[0].to(torch::kBFloat16);
  ExpectAgreement(Fused(alone), Formula64, inputs, kBf16);
  const torch::Tensor y = Fused(alone)(inputs)[0];
  EXPECT_TRUE(y.is_contiguous(torch::MemoryFormat::ChannelsLast));
}

TEST(BatchNormTest, HoldsForValuesFarFromZero) {
  SingleRank alone;
  Tensors inputs = Inputs({512, 3});
  inputs[0] = inputs[0] * 0.25 + 1000.0;
  ExpectAgreement(Fused(alone), Formula64, inputs, 2e-3);
}

struct Trained {
  torch::Tensor y, d_x, d_weight, d_bias;  // of the whole batch
  RunningStatistics running;
};

// The batch in `world` equal parts.
Trained TrainOver(int world, const Tensors& inputs) {
  const torch::Tensor d_y = Normal(inputs[0].sizes(), 9).to(inputs[0].scalar_type());
  std::vector<Trained> parts(static_cast<size_t>(world));
  RunRanks(world, [&](Collectives& ranks) {
    const auto mine = [&](const torch::Tensor& whole) {
      return whole.chunk(world)[ranks.rank()].detach();
    };
    const torch::Tensor x = mine(inputs[0]).requires_grad_();
    const torch::Tensor weight = inputs[1].detach().clone().requires_grad_();
    const torch::Tensor bias = inputs[2].detach().clone().requires_grad_();
    const RunningStatistics running = Running(x.size(1));
    const torch::Tensor y = BatchNormTraining(x, weight, bias, running, kMomentum, kEps, ranks);
    y.backward(mine(d_y));
    parts[static_cast<size_t>(ranks.rank())] = {y.detach(), x.grad(), weight.grad(), bias.grad(),
                                                running};
  });
  Trained all = parts[0];
  for (size_t i = 1; i < parts.size(); ++i) {
    all.y = torch::cat({all.y, parts[i].y});
    all.d_x = torch::cat({all.d_x, parts[i].d_x});
    all.d_weight = all.d_weight + parts[i].d_weight;
    all.d_bias = all.d_bias + parts[i].d_bias;
    EXPECT_TRUE(torch::equal(parts[i].running.mean, all.running.mean));
    EXPECT_TRUE(torch::equal(parts[i].running.variance, all.running.variance));
  }
  return all;
}

void ExpectNear(const torch::Tensor& got, const torch::Tensor& want, double tolerance) {
  EXPECT_LE((got - want).abs().max().item<double>(), tolerance * want.abs().max().item<double>());
}

void ExpectSame(const Trained& got, const Trained& want, double tolerance) {
  ExpectNear(got.y, want.y, tolerance);
  ExpectNear(got.d_x, want.d_x, tolerance);
  ExpectNear(got.d_weight, want.d_weight, tolerance);
  ExpectNear(got.d_bias, want.d_bias, tolerance);
  ExpectNear(got.running.mean, want.running.mean, 1e-6);
  ExpectNear(got.running.variance, want.running.variance, 1e-6);
}

TEST(BatchNormTest, RanksShareOneBatch) {
  for (const auto& shape : std::vector<std::vector<int64_t>>{{6, 5}, {6, 4, 3, 5}}) {
    Tensors inputs = Inputs(shape);
    // Ranks of unlike batches, which statistics of each on its own would show.
    inputs[0].narrow(0, 0, 2).add_(5.0);
    const Trained alone = TrainOver(1, inputs);
    for (const int world : {2, 3, 6}) ExpectSame(TrainOver(world, inputs), alone, 2e-5);
  }
}

TEST(BatchNormTest, RanksShareOneBatchInBf16) {
  Tensors inputs = Inputs({6, 4, 3, 5});
  inputs[0] = inputs[0].to(torch::kBFloat16);
  ExpectSame(TrainOver(3, inputs), TrainOver(1, inputs), 1e-2);
}

TEST(BatchNormTest, MovesRunningValuesAsPyTorchDoes) {
  SingleRank alone;
  const Tensors inputs = Inputs({5, 4, 3, 2});
  const RunningStatistics got = Running(4), want = Running(4);
  BatchNormTraining(inputs[0], inputs[1], inputs[2], got, kMomentum, kEps, alone);
  torch::batch_norm(inputs[0], inputs[1], inputs[2], want.mean, want.variance, true, kMomentum,
                    kEps, false);
  EXPECT_TRUE(torch::allclose(got.mean, want.mean, 1e-6, 1e-7));
  EXPECT_TRUE(torch::allclose(got.variance, want.variance, 1e-6, 1e-7));
  EXPECT_EQ(got.batches.item<int64_t>(), 4);
}

TEST(BatchNormTest, ABatchThatIsNotFiniteLeavesRunningValuesAlone) {
  for (const double bad : {NAN, INFINITY}) {
    const RunningStatistics running = Running(3), before = Running(3);
    RunRanks(2, [&](Collectives& ranks) {
      torch::Tensor x = Normal({4, 3}, 5);
      if (ranks.rank() == 1) x[2][1] = bad;
      const RunningStatistics own = ranks.rank() == 0 ? running : Running(3);
      const torch::Tensor y = BatchNormTraining(x, {}, {}, own, kMomentum, kEps, ranks);
      EXPECT_FALSE(y.isfinite().all().item<bool>());
    });
    EXPECT_TRUE(torch::equal(running.mean, before.mean));
    EXPECT_TRUE(torch::equal(running.variance, before.variance));
    EXPECT_EQ(running.batches.item<int64_t>(), 3);
  }
}

TEST(BatchNormTest, EvaluationUsesRunningValuesAndLeavesThem) {
  const Tensors inputs = Inputs({1, 4, 3, 2});
  const RunningStatistics running = Running(4), before = Running(4);
  const torch::Tensor got = BatchNormEvaluation(inputs[0], inputs[1], inputs[2], running, kEps);
  const auto shaped = [](const torch::Tensor& values) { return values.view({-1, 1, 1}); };
  const torch::Tensor want = (inputs[0] - shaped(running.mean)) /
                                 (shaped(running.variance) + kEps).sqrt() * shaped(inputs[1]) +
                             shaped(inputs[2]);
  EXPECT_TRUE(torch::allclose(got, want, 1e-5, 1e-5));
  EXPECT_TRUE(torch::equal(running.mean, before.mean));
  EXPECT_TRUE(torch::equal(running.variance, before.variance));
}

TEST(BatchNormTest, OneValueAChannelIsRefused) {
  SingleRank alone;
  const torch::Tensor x = Normal({1, 4}, 1);
  EXPECT_THROW(BatchNormTraining(x, {}, {}, Running(4), kMomentum, kEps, alone), wire::Fault);
  RunRanks(2, [&](Collectives& ranks) {
    EXPECT_NO_THROW(BatchNormTraining(x, {}, {}, Running(4), kMomentum, kEps, ranks));
  });
}

}  // namespace
}  // namespace ocellus::models::ops
