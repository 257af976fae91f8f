#include "models/nn/position_table.h"

#include <gtest/gtest.h>

#include <cmath>

namespace ocellus::models::nn {
namespace {

// Rows of a 2 x 2 grid of width 8, with the values that both methods' official code gives.
torch::Tensor Rows(const std::vector<std::pair<bool, bool>>& halves) {
  const std::vector<double> zero{0, 0, 1, 1};
  const std::vector<double> one{.84147096, .00999983, .54030228, .99994999};
  std::vector<double> values;
  for (const auto& [first, second] : halves) {
    for (const bool at_one : {first, second}) {
      const auto& half = at_one ? one : zero;
      values.insert(values.end(), half.begin(), half.end());
    }
  }
  return torch::tensor(values, torch::kFloat32).view({-1, 8});
}

TEST(PositionTable, MaeHasTheColumnFirst) {
  const torch::Tensor table = SinCosTable(8, 2, TableOrder::kColumnFirst);
  ASSERT_EQ(table.sizes(), (std::vector<int64_t>{1, 5, 8}));
  EXPECT_EQ(table[0][0].abs().max().item<float>(), 0.0f);
  const torch::Tensor expected = Rows({{false, false}, {true, false}, {false, true}, {true, true}});
  EXPECT_LT((table[0].narrow(0, 1, 4) - expected).abs().max().item<float>(), 6e-8f);
}

TEST(PositionTable, MocoHasTheRowFirst) {
  const torch::Tensor table = SinCosTable(8, 2, TableOrder::kRowFirst);
  const torch::Tensor expected = Rows({{false, false}, {false, true}, {true, false}, {true, true}});
  EXPECT_LT((table[0].narrow(0, 1, 4) - expected).abs().max().item<float>(), 6e-8f);
}

TEST(PositionTable, IsRoundedOnceFromDouble) {
  // Frequency j = 5 of 16, column 13: far from 0, where fp32 angles would already differ.
  const torch::Tensor table = SinCosTable(64, 14, TableOrder::kColumnFirst);
  const double angle = 13.0 * std::pow(10000.0, -5.0 / 16.0);
  EXPECT_EQ(table[0][1 + 13][5].item<float>(), static_cast<float>(std::sin(angle)));
  EXPECT_EQ(table[0][1 + 13][16 + 5].item<float>(), static_cast<float>(std::cos(angle)));
}

}  // namespace
}  // namespace ocellus::models::nn
