#include "models/nn/resnet.h"

#include <cmath>
#include <numeric>
#include <string>

#include "models/nn/layers.h"

namespace ocellus::models::nn {
namespace {

class Stage final : public torch::nn::Module {};

// Normal with deviation sqrt(2 / fan_out), the spread that ReLUs keep.
void KaimingNormal(const torch::Tensor& weight, torch::Generator& generator) {
  const auto fan_out = static_cast<double>(weight.numel() / weight.size(1));
  Normal(weight, std::sqrt(2.0 / fan_out), generator);
}

}  // namespace

ResNet::ResNet(const ResNetShape& shape) : shape_(shape) {
  conv1_ = register_module("conv1", std::make_shared<Convolution>(3, shape.width, 7, 2));
  bn1_ = register_module("bn1", std::make_shared<BatchNorm>(shape.width));
  int64_t channels = shape.width;
  for (size_t stage = 0; stage < shape.layers.size(); ++stage) {
    const auto group =
        register_module("layer" + std::to_string(stage + 1), std::make_shared<Stage>());
    for (int64_t i = 0; i < shape.layers[stage]; ++i) {
      const ResidualBlockShape block{.in = channels,
                                     .width = shape.width << stage,
                                     .stride = stage > 0 && i == 0 ? 2 : 1,
                                     .bottleneck = shape.bottleneck};
      blocks_.push_back(
          group->register_module(std::to_string(i), std::make_shared<ResidualBlock>(block)));
      channels = block.out();
    }
  }
}

torch::Tensor ResNet::forward(const torch::Tensor& images, const Pass& pass) const {
  return After(static_cast<int64_t>(shape_.layers.size()), images, pass);
}

torch::Tensor ResNet::After(int64_t stages, const torch::Tensor& images, const Pass& pass) const {
  const auto end =
      blocks_.begin() + std::accumulate(shape_.layers.begin(), shape_.layers.begin() + stages, 0LL);
  torch::Tensor x = images.contiguous(torch::MemoryFormat::ChannelsLast);
  x = bn1_->forward(conv1_->forward(x, pass.compute), pass).relu_();
  x = at::max_pool2d(x, 3, 2, 1);
  for (auto block = blocks_.begin(); block != end; ++block) x = (*block)->forward(x, pass);
  return x.mean({2, 3}, /*keepdim=*/false, torch::kFloat32);
}

void ResNet::Initialise(torch::Generator& generator) {
  const torch::NoGradGuard no_grad;
  for (const auto& module : modules(/*include_self=*/false)) {
    if (const auto* convolution = module->as<Convolution>()) {
      KaimingNormal(convolution->weight, generator);
    }
  }
  for (const auto& block : blocks_) block->last_norm().weight.zero_();
}

}  // namespace ocellus::models::nn
