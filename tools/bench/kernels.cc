// Each fused operator, forward and backward, beside the composition of ATen operators that it
// stands for; one thread, alternately in this process. Called by tools/bench/kernels.
//
//   ocellus-bench-kernels REPEATS SECONDS [CASE ...]
#include <sys/resource.h>
#include <torch/torch.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "models/ops/attention.h"
#include "models/ops/gelu.h"
#include "models/ops/layer_norm.h"
#include "models/ops/linear.h"
#include "models/ops/masked_pixel_loss.h"
#include "models/ops/memory.h"

namespace ocellus::models::ops {
namespace {

using Tensors = std::vector<torch::Tensor>;
using Work = std::function<Tensors()>;  // forward, to the tensors that backward starts from

struct Case {
  std::string name;
  Tensors inputs;  // whose gradients are wanted
  Work ours, aten;
};

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

// CPU seconds of one forward and backward pass.
double Measure(const Work& work, const Tensors& inputs, const Tensors& gradients, int64_t count) {
  const double before = CpuSeconds();
  for (int64_t i = 0; i < count; ++i) torch::autograd::grad(work(), inputs, gradients);
  return (CpuSeconds() - before) / static_cast<double>(count);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void Report(const Case& c, int64_t repeats, double seconds) {
  Tensors gradients;
  for (const torch::Tensor& output : c.ours()) gradients.push_back(torch::randn_like(output));
  Measure(c.ours, c.inputs, gradients, 1);
  const double once = Measure(c.aten, c.inputs, gradients, 2);
  const int64_t count = std::max<int64_t>(1, static_cast<int64_t>(seconds / std::max(once, 1e-6)));
  std::vector<double> ours, aten, ratios;
  for (int64_t i = 0; i < repeats; ++i) {
    ours.push_back(Measure(c.ours, c.inputs, gradients, count));
    aten.push_back(Measure(c.aten, c.inputs, gradients, count));
    ratios.push_back(aten.back() / ours.back());
  }
  const auto [low, high] = std::minmax_element(ratios.begin(), ratios.end());
  std::printf(
      "bench kernels case=%s unit=us ours=%.1f peer=%.1f peer_name=aten@%s ratio=%.3f spread=%.3f "
      "device=cpu\n",
      c.name.c_str(), 1e6 * Median(ours), 1e6 * Median(aten), TORCH_VERSION, Median(ratios),
      (*high - *low) / Median(ratios));
  std::fflush(stdout);
}

torch::Tensor Leaf(torch::IntArrayRef shape, torch::ScalarType type = torch::kFloat32,
                   double deviation = 1) {
  return (torch::randn(shape) * deviation).to(type).requires_grad_(true);
}

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
  return {"attention_" + name,
          {qkv},
          [=]() -> Tensors { return {Attention(qkv, heads, scale)}; },
          [=]() -> Tensors { return {ExplicitAttention(qkv, heads)}; }};
}

Case LayerNormCase(const std::string& name, torch::ScalarType type) {
  const torch::Tensor residual = Leaf({3152, 512}), branch = Leaf({3152, 512}, type);
  const torch::Tensor weight = Leaf({512}), bias = Leaf({512});
  return {"add_layer_norm_" + name,
          {residual, branch, weight, bias},
          [=]() -> Tensors {
            const auto [sum, normed] = AddLayerNorm(residual, branch, weight, bias, 1e-6, type);
            return {sum, normed};
          },
          [=]() -> Tensors {
            const torch::Tensor sum = residual + branch;
            return {sum, torch::layer_norm(sum, {512}, weight, bias, 1e-6).to(type)};
          }};
}

Case LinearCase(const std::string& name, torch::ScalarType type, bool gelu) {
  const torch::Tensor x = Leaf({3152, 512}, type),
                      weight = Leaf({2048, 512}, torch::kFloat32, 0.04), bias = Leaf({2048});
  const auto composed = [=] { return at::linear(x, weight.to(type), bias.to(type)); };
  if (gelu) {
    return {"linear_gelu_" + name,
            {x, weight, bias},
            [=]() -> Tensors { return {LinearGelu(x, weight, bias, type)}; },
            [=]() -> Tensors { return {torch::gelu(composed())}; }};
  }
  return {"linear_" + name,
          {x, weight, bias},
          [=]() -> Tensors { return {Linear(x, weight, bias, type)}; },
          [=]() -> Tensors { return {composed()}; }};
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
  return {"masked_pixel_loss_" + name,
          {pred},
          [=]() -> Tensors { return {MaskedPixelLoss(pred, images, mask, 16, true)}; },
          [=]() -> Tensors { return {ComposedLoss(pred, images, mask)}; }};
}

std::vector<Case> Cases() {
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

}  // namespace
}  // namespace ocellus::models::ops

int main(int argc, char** argv) try {
  if (argc < 3)
    throw std::invalid_argument("usage: ocellus-bench-kernels REPEATS SECONDS [CASE ...]");
  const std::set<std::string> wanted(argv + 3, argv + argc);
  ocellus::models::ops::KeepFreedMemory();
  torch::set_num_threads(1);
  torch::manual_seed(7);
  for (const auto& c : ocellus::models::ops::Cases()) {
    if (!wanted.empty() && wanted.count(c.name) == 0) continue;
    ocellus::models::ops::Report(c, std::stoll(argv[1]), std::stod(argv[2]));
  }
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "ocellus-bench-kernels: %s\n", error.what());
  return 2;
}
