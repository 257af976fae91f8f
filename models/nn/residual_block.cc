#include "models/nn/residual_block.h"

#include <string>

#include "models/nn/module_group.h"
#include "models/ops/flops.h"

namespace ocellus::models::nn {

Convolution::Convolution(int64_t in, int64_t out, int64_t kernel, int64_t stride)
    : stride_(stride) {
  weight = register_parameter("weight", torch::zeros({out, in, kernel, kernel}));
}

torch::Tensor Convolution::forward(const torch::Tensor& x, torch::ScalarType compute) const {
  const torch::Tensor y =
      at::conv2d(x.to(compute), weight.to(compute), {}, stride_, weight.size(2) / 2);
  ops::CountProduct(static_cast<double>(y.numel()) * weight[0].numel(), x, weight);
  return y;
}

ResidualBlock::ResidualBlock(const ResidualBlockShape& shape) {
  const auto add = [this](int64_t in, int64_t out, int64_t kernel, int64_t stride) {
    const std::string number = std::to_string(convolutions_.size() + 1);
    convolutions_.push_back(
        register_module("conv" + number, std::make_shared<Convolution>(in, out, kernel, stride)));
    norms_.push_back(register_module("bn" + number, std::make_shared<BatchNorm>(out)));
  };
  if (shape.bottleneck) {
    add(shape.in, shape.width, 1, 1);
    add(shape.width, shape.width, 3, shape.stride);
    add(shape.width, shape.out(), 1, 1);
  } else {
    add(shape.in, shape.width, 3, shape.stride);
    add(shape.width, shape.width, 3, 1);
  }
  if (shape.stride == 1 && shape.in == shape.out()) return;
  const auto downsample = register_module("downsample", std::make_shared<ModuleGroup>());
  shortcut_ = downsample->register_module(
      "0", std::make_shared<Convolution>(shape.in, shape.out(), 1, shape.stride));
  shortcut_norm_ = downsample->register_module("1", std::make_shared<BatchNorm>(shape.out()));
}

torch::Tensor ResidualBlock::forward(const torch::Tensor& x, const Pass& pass) const {
  torch::Tensor y = x;
  for (size_t i = 0; i < convolutions_.size(); ++i) {
    if (i > 0) y = y.relu_();
    y = norms_[i]->forward(convolutions_[i]->forward(y, pass.compute), pass);
  }
  const torch::Tensor shortcut =
      shortcut_ ? shortcut_norm_->forward(shortcut_->forward(x, pass.compute), pass) : x;
  return y.add_(shortcut).relu_();
}

}  // namespace ocellus::models::nn
