// The operators of a transformer and MAE's loss.
#include <cmath>

#include "models/ops/attention.h"
#include "models/ops/gelu.h"
#include "models/ops/layer_norm.h"
#include "models/ops/linear.h"
#include "models/ops/masked_pixel_loss.h"
#include "tools/bench/kernel_cases.h"

namespace ocellus::bench {
namespace {

using namespace models::ops;  // NOLINT: what is measured
using Tensors = std::vector<torch::Tensor>;

// softmax(scale q k^T) v as PyTorch code writes it.
torch::Tensor ExplicitAttention(const torch::Tensor& qkv, int64_t heads) {
  const int64_t batch = qkv.size(0), tokens = qkv.size(1), width = qkv.size(2) / 3;
  const torch::Tensor parts =
      qkv.reshape({batch, tokens, 3, heads, width / heads}).permute({2, 0, 3, 1, 4});
  const double scale = 1 / std::sqrt(static_cast<double>(width / heads));
  const torch::Tensor scores = torch::matmul(parts[0] * scale, parts[1].transpose(-2, -1));
  const torch::Tensor p = torch::softmax(scores, -1, torch::kFloat32).to(qkv.scalar_type());
  return torch::matmul(p, parts[2]).transpose(1, 2).reshape({batch, tokens, width});
}

Case AttentionCase(const std::string& name, int64_t tokens, int64_t heads, int64_t head_width,
                   torch::ScalarType type) {
  const torch::Tensor qkv = Leaf({16, tokens, 3 * heads * head_width}, type);
  const double scale = 1 / std::sqrt(static_cast<double>(head_width));
  return ForwardBackward(
      "attention_" + name, {qkv}, [=]() -> Tensors { return {Attention(qkv, heads, scale)}; },
      [=]() -> Tensors { return {ExplicitAttention(qkv, heads)}; });
}

Case LayerNormCase(const std::string& name, torch::ScalarType type) {
  const torch::Tensor residual = Leaf({3152, 512}), branch = Leaf({3152, 512}, type);
  const torch::Tensor weight = Leaf({512}), bias = Leaf({512});
  return ForwardBackward(
      "add_layer_norm_" + name, {residual, branch, weight, bias},
      [=]() -> Tensors {
        const auto [sum, normed] = AddLayerNorm(residual, branch, weight, bias, 1e-6, type);
        return {sum, normed};
      },
      [=]() -> Tensors {
        const torch::Tensor sum = residual + branch;
        return {sum, torch::layer_norm(sum, {512}, weight, bias, 1e-6).to(type)};
      });
}

Case LinearCase(const std::string& name, torch::ScalarType type, bool gelu) {
  const torch::Tensor x = Leaf({3152, 512}, type),
                      weight = Leaf({2048, 512}, torch::kFloat32, 0.04), bias = Leaf({2048});
  const auto composed = [=] { return at::linear(x, weight.to(type), bias.to(type)); };
  if (gelu) {
    return ForwardBackward(
        "linear_gelu_" + name, {x, weight, bias},
        [=]() -> Tensors { return {LinearGelu(x, weight, bias, type)}; },
        [=]() -> Tensors { return {torch::gelu(composed())}; });
  }
  return ForwardBackward(
      "linear_" + name, {x, weight, bias},
      [=]() -> Tensors { return {Linear(x, weight, bias, type)}; },
      [=]() -> Tensors { return {composed()}; });
}

torch::Tensor ComposedLoss(const torch::Tensor& pred, const torch::Tensor& images,
                           const torch::Tensor& mask) {
  torch::Tensor target =
      images.view({16, 3, 14, 16, 14, 16}).permute({0, 2, 4, 3, 5, 1}).reshape({16, 196, 768});
  const auto [variance, mean] = torch::var_mean(target, {-1}, true, true);
  target = (target - mean) / (variance + 1e-6).sqrt();
  return ((pred - target).square().mean(-1) * mask).sum() / mask.sum();
}

Case LossCase(const std::string& name, torch::ScalarType type) {
  const torch::Tensor pred = Leaf({16, 196, 768}, type), images = torch::randn({16, 3, 224, 224});
  const torch::Tensor mask = (torch::rand({16, 196}) < 0.75).to(torch::kFloat32);
  return ForwardBackward(
      "masked_pixel_loss_" + name, {pred},
      [=]() -> Tensors { return {MaskedPixelLoss(pred, images, mask, 16, true)}; },
      [=]() -> Tensors { return {ComposedLoss(pred, images, mask)}; });
}

}  // namespace

std::vector<Case> TransformerCases() {
  std::vector<Case> cases;
  for (const auto type : {torch::kFloat32, torch::kBFloat16}) {
    const std::string name = type == torch::kFloat32 ? "fp32" : "bf16";
    cases.push_back(AttentionCase("197x16x32_" + name, 197, 16, 32, type));
    cases.push_back(AttentionCase("50x6x64_" + name, 50, 6, 64, type));
    cases.push_back(AttentionCase("17x3x64_" + name, 17, 3, 64, type));
    cases.push_back(LayerNormCase(name, type));
    cases.push_back(LinearCase(name, type, false));
    cases.push_back(LinearCase(name, type, true));
    cases.push_back(LossCase(name, type));
  }
  return cases;
}

}  // namespace ocellus::bench
