#include "tools/bench/gpu_kernels.h"

#include <chrono>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>

#include "kernels/gelu.h"
#include "models/collectives.h"
#include "models/ops/augment.h"
#include "models/ops/batch_norm.h"
#include "models/ops/contrastive_loss.h"
#include "models/ops/depthwise.h"
#include "models/ops/key_contrast.h"
#include "models/ops/launch.h"
#include "models/ops/layer_norm.h"
#include "models/ops/masked_pixel_loss.h"
#include "models/ops/normalise_rows.h"
#include "models/ops/patch_pixels.h"
#include "models/ops/relic_loss.h"
#include "models/ops/response_norm.h"
#include "models/optim/adamw.h"
#include "models/optim/clip.h"
#include "models/optim/lars.h"

namespace ocellus::bench {
namespace {

constexpr int kRounds = 5;
constexpr int kCalls = 10;

struct Kernel {
  std::string name;
  double bytes = 0;
  std::function<void()> call;
};

// Seconds of a call, the best round's.
double Measure(const Kernel& kernel, torch::Device device) {
  kernel.call();
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    Wait(device);
    const double start = Seconds();
    for (int i = 0; i < kCalls; ++i) kernel.call();
    Wait(device);
    const double seconds = (Seconds() - start) / kCalls;
    if (round == 0 || seconds < best) best = seconds;
  }
  return best;
}

// Forward, and backward from gradients of its own.
std::function<void()> Both(const std::function<torch::Tensor()>& forward,
                           const std::vector<torch::Tensor>& inputs) {
  const torch::Tensor gradient = torch::ones_like(forward());
  return [=] { torch::autograd::grad({forward()}, inputs, {gradient}); };
}

std::vector<Kernel> OptimizerKernels(torch::Device device, int64_t numbers) {
  const auto list = std::make_shared<std::vector<models::optim::NamedParameter>>();
  std::map<std::string, torch::Tensor> averages;
  for (int i = 0; i < 8; ++i) {
    const torch::Tensor tensor = torch::randn({numbers / 8}, device).requires_grad_();
    torch::Tensor(tensor).mutable_grad() = torch::randn({numbers / 8}, device);
    list->push_back({std::to_string(i), tensor});
    averages[std::to_string(i)] = torch::randn({numbers / 8}, device);
  }
  const std::shared_ptr<models::optim::Optimizer> adamw = models::optim::MakeAdamW(*list, {});
  const std::shared_ptr<models::optim::Optimizer> follows = models::optim::MakeAdamW(*list, {});
  const std::shared_ptr<models::optim::Optimizer> lars = models::optim::MakeLars(*list, {});
  follows->Follow(averages);
  const auto n = static_cast<double>(numbers);
  return {{"adamw", 28 * n, [=] { adamw->Step(1e-4); }},
          {"adamw and average", 36 * n, [=] { follows->Step(1e-4, {.average_momentum = 0.99}); }},
          {"lars", 20 * n, [=] { lars->Step(1e-4); }},
          {"gradient norm", 4 * n, [=] { models::optim::GradientNorm(*list); }}};
}

std::vector<Kernel> RowKernels(torch::Device device, int64_t rows) {
  const auto leaf = [&](torch::IntArrayRef shape, torch::ScalarType type) {
    return torch::randn(shape, device).to(type).requires_grad_();
  };
  const int64_t width = 1024;
  const auto x = leaf({rows, width}, torch::kFloat32), y = leaf({rows, width}, torch::kBFloat16);
  const auto weight = leaf({width}, torch::kFloat32), bias = leaf({width}, torch::kFloat32);
  const auto wide = leaf({rows / 64, 8, 8, width}, torch::kBFloat16);
  const auto n = static_cast<double>(rows * width);
  return {
      {"add and layer norm", 28 * n,
       Both(
           [=] {
             return models::ops::AddLayerNorm(x, y, weight, bias, 1e-6, torch::kBFloat16).second;
           },
           {x, y, weight, bias})},
      {"rows as directions", 20 * n, Both([=] { return models::ops::NormaliseRows(x); }, {x})},
      {"response normalisation", 14 * n,
       Both([=] { return models::ops::ResponseNorm(wide, weight, bias); }, {wide, weight, bias})}};
}

// Without the product that it follows in models/ops/gelu.h.
std::vector<Kernel> GeluKernels(torch::Device device, int64_t rows) {
  const int64_t width = 4096;
  const torch::Tensor z = torch::randn({rows, width}, device).to(torch::kBFloat16);
  const torch::Tensor y = torch::empty_like(z), d_z = torch::empty_like(z);
  const torch::Tensor d_bias = torch::empty({width}, device);
  const torch::Tensor scratch = torch::empty({kernels::GeluScratch(rows, width)}, device);
  kernels::GeluForwardArgs forward;
  kernels::GeluBackwardArgs backward;
  forward.rows = backward.rows = rows;
  forward.width = backward.width = width;
  forward.type = backward.type = models::ops::ElementOf(z);
  forward.z = backward.z = z.data_ptr();
  forward.y = y.data_ptr();
  backward.d_y = y.data_ptr();
  backward.d_z = d_z.data_ptr();
  backward.d_bias = models::ops::Floats(d_bias);
  backward.scratch = models::ops::Floats(scratch);
  const std::vector<torch::Tensor> held = {y, d_z, d_bias, scratch};
  const auto n = static_cast<double>(z.numel());
  return {
      {"gelu forward", 4 * n, [z, held, forward] { OCELLUS_LAUNCH(GeluForward, z, forward); }},
      {"gelu backward", 6 * n, [z, held, backward] { OCELLUS_LAUNCH(GeluBackward, z, backward); }}};
}

// Rows of length 1.
torch::Tensor Directions(torch::Device device, int64_t rows, int64_t width) {
  return models::ops::NormaliseRows(torch::randn({rows, width}, device)).detach();
}

// What compares every row with every other is bound by products, not by memory.
std::vector<Kernel> ContrastKernels(torch::Device device, int64_t rows) {
  static models::SingleRank alone;
  const int64_t width = 512, candidates = 11;
  const auto a = Directions(device, rows, width).requires_grad_();
  const auto b = Directions(device, rows, width).requires_grad_();
  const auto t = Directions(device, rows, width), u = Directions(device, rows, width);
  const auto scale = torch::full({}, 10.0f, device), bias = torch::zeros({}, device);
  const models::ops::RelicCandidates chosen{
      torch::arange(rows, torch::TensorOptions(device).dtype(torch::kInt64)),
      torch::randint(rows, {rows, candidates}, torch::TensorOptions(device).dtype(torch::kInt64))};
  const auto relic = [=] {
    const auto terms = models::ops::RelicPairTerms({a, t, b, u}, chosen, 0.3);
    return terms.kl - terms.log_likelihood;
  };
  const auto n = static_cast<double>(rows * width);
  return {{"infonce", 16 * n,
           Both([=] { return models::ops::InfoNceLoss(a, b, scale, alone); }, {a, b})},
          {"siglip", 16 * n,
           Both([=] { return models::ops::SigLipLoss(a, b, scale, bias, alone); }, {a, b})},
          {"contrast with keys", 12 * n,
           Both([=] { return models::ops::KeyContrast(a, t, 0.2, alone); }, {a})},
          // A row of candidates counts each time that it is wanted.
          {"relic terms", (20 * candidates + 16) * n, Both(relic, {a, b})}};
}

std::vector<Kernel> ChannelKernels(torch::Device device, int64_t rows) {
  static models::SingleRank alone;
  const int64_t width = 4096;
  const auto x = torch::randn({rows, width}, device).to(torch::kBFloat16).requires_grad_();
  const auto maps =
      torch::randn({rows / 64, 16, 16, width / 4}, device).to(torch::kBFloat16).requires_grad_();
  const auto weight = torch::randn({width / 4, 1, 7, 7}, device).requires_grad_();
  const models::ops::RunningStatistics running{
      torch::zeros({width}, device), torch::ones({width}, device),
      torch::zeros({}, torch::TensorOptions(device).dtype(torch::kInt64))};
  return {
      {"batch normalisation", 10 * static_cast<double>(x.numel()),
       Both([=] { return models::ops::BatchNormTraining(x, {}, {}, running, 0.1, 1e-5, alone); },
            {x})},
      {"depthwise convolution", 10 * static_cast<double>(maps.numel()),
       Both([=] { return models::ops::Depthwise7(maps, weight, {}); }, {maps, weight})}};
}

// Views of 224 from crops of their own size, with a jitter of two steps.
std::vector<Kernel> AugmentKernels(torch::Device device, int64_t count) {
  const int32_t size = 224, area = size * size;
  models::ops::UndoneViews undone{.size = size, .std = {1, 1, 1}};
  const auto type = torch::TensorOptions().dtype(torch::kInt32).pinned_memory(device.is_cuda());
  std::vector<int32_t> tables;
  for (int32_t i = 0; i < size; ++i) tables.push_back(i);
  tables.resize(2 * size, 1);        // each the sum of one sample
  tables.resize(3 * size, 1 << 22);  // that counts once
  for (int64_t i = 0; i < count; ++i) {
    kernels::AugmentView view{.source = i * area, .width = size, .height = size};
    view.across = view.down = {count * area, 1};
    view.steps[0] = {kernels::ColourChange::kBrightness, 0.9f};
    view.steps[1] = {kernels::ColourChange::kHue, 0.05f};
    view.step_count = 2;
    undone.views.push_back(view);
  }
  undone.words = {torch::full({count * area}, 0x305070, type), torch::tensor(tables, type)};
  return {{"augmentation and copy from the host", 10.0 * static_cast<double>(count) * area,
           [=] { models::ops::Augment(undone, device, torch::kBFloat16); }}};
}

std::vector<Kernel> ImageKernels(torch::Device device, int64_t images) {
  const torch::Tensor pixels = torch::randn({images, 3, 224, 224}, device);
  const torch::Tensor pred = torch::randn({images, 196, 768}, device).requires_grad_();
  const torch::Tensor mask = (torch::rand({images, 196}, device) < 0.75).to(torch::kFloat32);
  const torch::Tensor kept =
      torch::rand({images, 196}, device).argsort(int64_t{1}, false).narrow(1, 0, 49);
  const torch::Tensor places = kept.contiguous();
  const auto n = static_cast<double>(pixels.numel());
  // The loss reads predictions and targets of three quarters of the patches.
  return {
      {"mae loss", (0.75 * 8 + 4) * n,
       Both([=] { return models::ops::MaskedPixelLoss(pred, pixels, mask, 16, true); }, {pred})},
      {"pixels of kept patches", 0.25 * 8 * n,
       [=] { models::ops::PatchPixels(pixels, 16, places); }}};
}

}  // namespace

double Seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void Wait(torch::Device device) {
  if (device.is_cuda()) torch::cuda::synchronize(device.index());
}

void ReportKernels(torch::Device device, int64_t size) {
  const torch::Tensor from = torch::randn({size << 16}, device);
  const torch::Tensor to = torch::empty_like(from);
  std::vector<Kernel> kernels = {
      {"copy", 8 * static_cast<double>(from.numel()), [=] { torch::Tensor(to).copy_(from); }}};
  const auto add = [&](const std::vector<Kernel>& more) {
    kernels.insert(kernels.end(), more.begin(), more.end());
  };
  add(OptimizerKernels(device, size << 16));
  add(RowKernels(device, size * 64));
  add(GeluKernels(device, size * 16));
  add(ChannelKernels(device, size * 16));
  add(ContrastKernels(device, size * 4));
  add(ImageKernels(device, size));
  add(AugmentKernels(device, size / 4));
  for (const Kernel& kernel : kernels) {
    const double seconds = Measure(kernel, device);
    std::cout << nlohmann::json{{"kernel", kernel.name},
                                {"gb_per_s", kernel.bytes / seconds / 1e9},
                                {"ms", 1e3 * seconds}}
              << std::endl;
  }
}

}  // namespace ocellus::bench
