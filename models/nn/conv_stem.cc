#include "models/nn/conv_stem.h"

#include <cmath>
#include <string>

#include "models/nn/layers.h"
#include "models/nn/module_group.h"
#include "models/ops/linear.h"

namespace ocellus::models::nn {
namespace {

constexpr int kConvolutions = 4;

double DefaultBound(const torch::Tensor& weight) {
  return 1.0 / std::sqrt(static_cast<double>(weight[0].numel()));
}

}  // namespace

ConvStem::ConvStem(int64_t width) {
  int64_t in = 3;
  for (int i = 0; i < kConvolutions; ++i) {
    const int64_t out = width >> (kConvolutions - 1 - i);
    convolutions_.push_back(
        register_module(std::to_string(3 * i), std::make_shared<Convolution>(in, out, 3, 2)));
    norms_.push_back(register_module(std::to_string(3 * i + 1), std::make_shared<BatchNorm>(out)));
    in = out;
  }
  const auto last =
      register_module(std::to_string(3 * kConvolutions), std::make_shared<ModuleGroup>());
  weight_ = last->register_parameter("weight", torch::zeros({width, width, 1, 1}));
  bias_ = last->register_parameter("bias", torch::zeros({width}));
}

torch::Tensor ConvStem::forward(const torch::Tensor& images, const Pass& pass) const {
  torch::Tensor x = images.contiguous(torch::MemoryFormat::ChannelsLast);
  for (int i = 0; i < kConvolutions; ++i) {
    x = norms_[i]->forward(convolutions_[i]->forward(x, pass.compute), pass).relu_();
  }
  const torch::Tensor tokens = x.flatten(2).transpose(1, 2).contiguous();
  return ops::Linear(tokens, weight_.flatten(1), bias_, pass.compute);
}

void ConvStem::Initialise(torch::Generator& generator) {
  for (const auto& convolution : convolutions_) {
    Uniform(convolution->weight, DefaultBound(convolution->weight), generator);
  }
  Uniform(weight_, DefaultBound(weight_), generator);
  Uniform(bias_, DefaultBound(weight_), generator);
}

}  // namespace ocellus::models::nn
