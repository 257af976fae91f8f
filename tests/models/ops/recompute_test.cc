#include "models/ops/recompute.h"

#include <gtest/gtest.h>

#include "models/ops/flops.h"
#include "models/ops/gelu.h"
#include "models/ops/linear.h"
#include "tests/models/ops/agreement.h"

namespace ocellus::models::ops {
namespace {

// Two outputs of two inputs and three parameters, and how often they were computed.
struct Layers {
  torch::Tensor weight = Normal({6, 5}, 1).requires_grad_(), bias = Normal({6}, 2).requires_grad_();
  torch::Tensor frozen = Normal({5, 6}, 3);
  int runs = 0;

  Region Apply() {
    return [this](const Tensors& in) -> Tensors {
      ++runs;
      const torch::Tensor hidden = LinearGelu(in[0], weight, bias, torch::kFloat32);
      return {Linear(hidden, frozen, {}, torch::kFloat32) + in[1], hidden};
    };
  }
  Tensors Parameters() const { return {weight, bias, frozen}; }
};

// Gradients of both inputs and both trained parameters.
Tensors Gradients(Layers& layers, bool recompute, bool both_outputs) {
  const torch::Tensor x = Normal({4, 5}, 4).requires_grad_(), y = Normal({4, 5}, 5);
  const Tensors inputs = {x, y.clone().requires_grad_()};
  const Tensors out =
      recompute ? Recomputed(layers.Apply(), inputs, layers.Parameters()) : layers.Apply()(inputs);
  torch::Tensor loss = (out[0] * Normal({4, 5}, 6)).sum();
  if (both_outputs) loss = loss + out[1].square().sum();
  Tensors results = {out[0].detach(), out[1].detach()};
  for (const torch::Tensor& gradient :
       torch::autograd::grad({loss}, {inputs[0], inputs[1], layers.weight, layers.bias})) {
    results.push_back(gradient);
  }
  return results;
}

TEST(Recompute, GivesTheSameBits) {
  for (const bool both_outputs : {true, false}) {
    Layers plain, again;
    const Tensors want = Gradients(plain, false, both_outputs);
    const Tensors got = Gradients(again, true, both_outputs);
    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < want.size(); ++i) EXPECT_TRUE(torch::equal(got[i], want[i])) << i;
    EXPECT_EQ(plain.runs, 1);
    EXPECT_EQ(again.runs, 2);
  }
}

TEST(Recompute, RunsOnceWithoutGraph) {
  const torch::NoGradGuard no_grad;
  Layers layers;
  const Tensors inputs = {Normal({4, 5}, 4), Normal({4, 5}, 5)};
  EXPECT_FALSE(Recomputed(layers.Apply(), inputs, layers.Parameters())[0].requires_grad());
  EXPECT_EQ(layers.runs, 1);
}

TEST(Recompute, IsCountedOnce) {
  Layers plain, again;
  double before = CountedFlops();
  Gradients(plain, false, true);
  const double once = CountedFlops() - before;
  before = CountedFlops();
  Gradients(again, true, true);
  EXPECT_EQ(CountedFlops() - before, once);
  EXPECT_EQ(once, 6.0 * (4 * 5 * 6 + 4 * 6 * 5));
}

TEST(Flops, WithoutGradientCountForwardAlone) {
  const double before = CountedFlops();
  Linear(Normal({2, 3}, 1), Normal({5, 3}, 2), {}, torch::kFloat32);
  EXPECT_EQ(CountedFlops() - before, 2.0 * 2 * 3 * 5);
}

}  // namespace
}  // namespace ocellus::models::ops
