#include "models/nn/mlp_head.h"

#include <string>

namespace ocellus::models::nn {
namespace {

template <typename... Cases>
struct Match : Cases... {
  using Cases::operator()...;
};

}  // namespace

MlpHead::MlpHead(const std::vector<HeadPart>& parts) {
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string number = std::to_string(i);
    const auto make = Match{
        [&](const LinearPart& part) -> Layer {
          return register_module(number, std::make_shared<Linear>(part.in, part.out, part.bias));
        },
        [&](const BatchNormPart& part) -> Layer {
          return register_module(number, std::make_shared<BatchNorm>(part.width, part.affine));
        },
        [](const ReluPart& part) -> Layer { return part; }};
    layers_.push_back(std::visit(make, parts[i]));
  }
}

torch::Tensor MlpHead::forward(const torch::Tensor& x, const Pass& pass) const {
  torch::Tensor y = x.to(pass.compute);
  const auto apply =
      Match{[&](const std::shared_ptr<Linear>& linear) { return linear->forward(y, pass.compute); },
            [&](const std::shared_ptr<BatchNorm>& norm) { return norm->forward(y, pass); },
            [&](const ReluPart&) { return y.relu(); }};
  for (const Layer& layer : layers_) y = std::visit(apply, layer);
  return y;
}

void MlpHead::Initialise(torch::Generator& generator) {
  for (const Layer& layer : layers_) {
    if (const auto* linear = std::get_if<std::shared_ptr<Linear>>(&layer)) {
      DefaultInitialise(**linear, generator);
    }
  }
}

}  // namespace ocellus::models::nn
