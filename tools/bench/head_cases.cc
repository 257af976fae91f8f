// What heads and the way into a transformer are made of, beside linear layers.
#include "models/ops/batch_norm.h"
#include "models/ops/linear.h"
#include "models/ops/normalise_rows.h"
#include "models/ops/patch_pixels.h"
#include "tools/bench/kernel_cases.h"

namespace ocellus::bench {
namespace {

using Tensors = std::vector<torch::Tensor>;

Case NormaliseCase(const std::string& name, torch::ScalarType type) {
  const torch::Tensor x = Leaf({4096, 256}, type);
  return ForwardBackward(
      "normalise_rows_" + name, {x}, [=]() -> Tensors { return {models::ops::NormaliseRows(x)}; },
      [=]() -> Tensors {
        const torch::Tensor values = x.to(torch::kFloat32);
        return {values / values.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-12)};
      });
}

Case BatchNormCase(const std::string& name, torch::ScalarType type) {
  const torch::Tensor x = Leaf({512, 4096}, type), weight = Leaf({4096}), bias = Leaf({4096});
  const models::ops::RunningStatistics running{torch::zeros({4096}), torch::ones({4096}),
                                               torch::zeros({}, torch::kInt64)};
  return ForwardBackward(
      "batch_norm_1d_" + name, {x, weight, bias},
      [=]() -> Tensors {
        static models::SingleRank alone;
        return {models::ops::BatchNormTraining(x, weight, bias, running, 0.1, 1e-5, alone)};
      },
      [=]() -> Tensors {
        return {at::batch_norm(x, weight, bias, running.mean, running.variance, true, 0.1, 1e-5,
                               false)};
      });
}

// As PyTorch code does it: all patches, of which the kept ones are taken.
torch::Tensor KeptOfAll(const torch::Tensor& images, const torch::Tensor& kept) {
  const torch::Tensor all =
      images.view({16, 3, 14, 16, 14, 16}).permute({0, 2, 4, 1, 3, 5}).reshape({16, 196, 768});
  return all.gather(1, kept.unsqueeze(2).expand({16, 49, 768}));
}

Case PatchCase(const std::string& name, torch::ScalarType type) {
  const torch::Tensor images = torch::randn({16, 3, 224, 224});
  const torch::Tensor kept =
      torch::rand({16, 196}).argsort(int64_t{1}, false).narrow(1, 0, 49).contiguous();
  const torch::Tensor weight = Leaf({384, 768}, torch::kFloat32, 0.04), bias = Leaf({384});
  return ForwardBackward(
      "patch_embed_" + name, {weight, bias},
      [=]() -> Tensors {
        const torch::Tensor pixels = models::ops::PatchPixels(images, 16, kept);
        return {models::ops::Linear(pixels, weight, bias, type)};
      },
      [=]() -> Tensors {
        return {at::linear(KeptOfAll(images, kept).to(type), weight.to(type), bias.to(type))};
      });
}

}  // namespace

std::vector<Case> HeadCases() {
  std::vector<Case> cases;
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    const std::string name = type == torch::kFloat32 ? "fp32" : "bf16";
    cases.push_back(NormaliseCase(name, type));
    cases.push_back(BatchNormCase(name, type));
    cases.push_back(PatchCase(name, type));
  }
  return cases;
}

}  // namespace ocellus::bench
