#include "models/nn/position_table.h"

namespace ocellus::models::nn {
namespace {

// [sin(t w), cos(t w)] for each position t: [L] to [L, width / 2].
torch::Tensor Waves(const torch::Tensor& positions, int64_t width) {
  const int64_t quarter = width / 4;
  const torch::Tensor exponent =
      torch::arange(quarter, torch::kFloat64) / static_cast<double>(quarter);
  const torch::Tensor angles = torch::outer(positions, torch::pow(10000.0, exponent).reciprocal());
  return torch::cat({angles.sin(), angles.cos()}, 1);
}

}  // namespace

torch::Tensor SinCosTable(int64_t width, int64_t grid, TableOrder order) {
  const torch::Tensor line = torch::arange(grid, torch::kFloat64);
  const torch::Tensor row = Waves(line.repeat_interleave(grid), width);
  const torch::Tensor column = Waves(line.repeat({grid}), width);
  const torch::Tensor patches = order == TableOrder::kColumnFirst ? torch::cat({column, row}, 1)
                                                                  : torch::cat({row, column}, 1);
  const torch::Tensor class_token = torch::zeros({1, width}, torch::kFloat64);
  return torch::cat({class_token, patches}).unsqueeze(0).to(torch::kFloat32);
}

}  // namespace ocellus::models::nn
