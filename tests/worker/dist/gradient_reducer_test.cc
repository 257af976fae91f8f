#include "worker/dist/gradient_reducer.h"

#include <gmock/gmock.h>

#include "tests/worker/dist/local_ranks.h"

namespace ocellus::dist {
namespace {

using testing::Each;

// A small network with one parameter that nothing uses.
struct Net : torch::nn::Module {
  Net() {
    torch::manual_seed(7);
    first = register_module("first", torch::nn::Linear(5, 9));
    unused = register_parameter("unused", torch::ones({3}));
    second = register_module("second", torch::nn::Linear(9, 2));
  }
  torch::Tensor Loss(const torch::Tensor& x) {
    return second->forward(torch::tanh(first->forward(x))).square().mean();
  }
  torch::nn::Linear first{nullptr}, second{nullptr};
  torch::Tensor unused;
};

torch::Tensor Inputs(int64_t rows) {
  torch::manual_seed(11);
  return torch::randn({rows, 5});
}

// Gradients of the mean loss over the whole batch, by one process without a reducer.
std::vector<torch::Tensor> Expected(const torch::Tensor& whole) {
  Net net;
  net.Loss(whole).backward();
  std::vector<torch::Tensor> gradients;
  for (const auto& parameter : net.parameters()) {
    const auto& grad = parameter.grad();
    gradients.push_back(grad.defined() ? grad : torch::zeros_like(parameter));
  }
  return gradients;
}

// Two steps, each of `accumulate` micro-batches, split over the ranks.
int ReducedGradientsAreTheMean(const Membership& membership, int64_t accumulate,
                               const BucketSizes& sizes) {
  Communicator ranks(membership, torch::kCPU, {});
  Net net;
  GradientReducer reducer(net.parameters(), ranks, sizes);
  const auto whole = Inputs(12);
  const auto parts = whole.chunk(accumulate * membership.world);
  for (int step = 0; step < 2; ++step) {
    reducer.ZeroGradients();
    for (int64_t micro = 0; micro < accumulate; ++micro) {
      if (micro + 1 == accumulate) reducer.ReduceNextBackward();
      const auto& part = parts[micro * membership.world + membership.rank];
      (net.Loss(part) / static_cast<double>(accumulate)).backward();
    }
    reducer.Finish();
    const auto want = Expected(whole);
    for (size_t i = 0; i < want.size(); ++i) {
      if (!torch::allclose(net.parameters()[i].grad(), want[i], 1e-5, 1e-7)) return 1;
    }
  }
  return 0;
}

class Reducer : public testing::TestWithParam<int> {};

TEST_P(Reducer, GradientsAreTheMeanOverRanks) {
  EXPECT_THAT(RunRanks(GetParam(),
                       [](const Membership& membership) {
                         return ReducedGradientsAreTheMean(membership, 1, {});
                       }),
              Each(0));
}

TEST_P(Reducer, ManyBucketsGiveTheSame) {
  EXPECT_THAT(RunRanks(GetParam(),
                       [](const Membership& membership) {
                         return ReducedGradientsAreTheMean(membership, 1, {1, 1});
                       }),
              Each(0));
}

TEST_P(Reducer, MicroBatchesAreAccumulatedBeforeTheReduction) {
  EXPECT_THAT(RunRanks(GetParam(),
                       [](const Membership& membership) {
                         return ReducedGradientsAreTheMean(membership, 2, {});
                       }),
              Each(0));
}

INSTANTIATE_TEST_SUITE_P(Ranks, Reducer, testing::Values(1, 2, 3));

// With three ranks the order of a sum shows in its last bits.
TEST(Reducer, AStepGivesTheSameBitsFirstOrLater) {
  EXPECT_THAT(RunRanks(3,
                       [](const Membership& membership) {
                         Communicator ranks(membership, torch::kCPU, {});
                         Net net;
                         GradientReducer reducer(net.parameters(), ranks, {64, 64});
                         if (reducer.buckets() < 3) return 1;
                         const auto mine = Inputs(12).chunk(3)[membership.rank];
                         std::vector<torch::Tensor> first;
                         for (int step = 0; step < 3; ++step) {
                           reducer.ZeroGradients();
                           reducer.ReduceNextBackward();
                           net.Loss(mine).backward();
                           reducer.Finish();
                           for (size_t i = 0; i < net.parameters().size(); ++i) {
                             const auto& grad = net.parameters()[i].grad();
                             if (step == 0) first.push_back(grad.clone());
                             if (!grad.equal(first[i])) return 2;
                             // The same bits on every rank: the gathered copies do not differ.
                             const auto all = ranks.all_gather(grad.flatten().unsqueeze(0));
                             if (!all.eq(all[0]).all().item<bool>()) return 3;
                           }
                         }
                         return 0;
                       }),
              Each(0));
}

}  // namespace
}  // namespace ocellus::dist
