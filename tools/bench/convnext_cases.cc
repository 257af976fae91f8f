// What ConvNeXt's blocks are made of, at two stages of its tiny size.
#include "models/ops/depthwise.h"
#include "models/ops/response_norm.h"
#include "tools/bench/kernel_cases.h"

namespace ocellus::bench {
namespace {

using Tensors = std::vector<torch::Tensor>;

struct Stage {
  int64_t images, side, channels;
};

std::string Named(const std::string& what, const Stage& stage, torch::ScalarType type) {
  return what + "_" + std::to_string(stage.side) + "_" +
         (type == torch::kFloat32 ? "fp32" : "bf16");
}

Case DepthwiseCase(const Stage& s, torch::ScalarType type) {
  const torch::Tensor x = Leaf({s.images, s.side, s.side, s.channels}, type);
  const torch::Tensor weight = Leaf({s.channels, 1, 7, 7}), bias = Leaf({s.channels});
  return ForwardBackward(
      Named("depthwise", s, type), {x, weight, bias},
      [=]() -> Tensors { return {models::ops::Depthwise7(x, weight, bias)}; },
      [=]() -> Tensors {
        return {
            at::conv2d(x.permute({0, 3, 1, 2}), weight.to(type), bias.to(type), 1, 3, 1, s.channels)
                .permute({0, 2, 3, 1})};
      });
}

// After the block's first linear layer, which widens by four.
Case ResponseNormCase(const Stage& s, torch::ScalarType type) {
  const int64_t channels = 4 * s.channels;
  const torch::Tensor x = Leaf({s.images, s.side, s.side, channels}, type);
  const torch::Tensor gamma = Leaf({channels}), beta = Leaf({channels});
  return ForwardBackward(
      Named("response_norm", s, type), {x, gamma, beta},
      [=]() -> Tensors { return {models::ops::ResponseNorm(x, gamma, beta)}; },
      [=]() -> Tensors {
        const torch::Tensor values = x.to(torch::kFloat32);
        const torch::Tensor length = values.norm(2, {1, 2}, /*keepdim=*/true);
        const torch::Tensor response = length / (length.mean({3}, /*keepdim=*/true) + 1e-6);
        return {(gamma * (values * response) + beta + values).to(type)};
      });
}

}  // namespace

std::vector<Case> ConvNextCases() {
  std::vector<Case> cases;
  for (const Stage& stage : {Stage{8, 56, 96}, Stage{16, 14, 384}}) {
    for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
      cases.push_back(DepthwiseCase(stage, type));
      cases.push_back(ResponseNormCase(stage, type));
    }
  }
  return cases;
}

}  // namespace ocellus::bench
