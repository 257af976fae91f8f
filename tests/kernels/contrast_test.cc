// The contrastive passes of this processor against their definitions in fp64.
#include "kernels/contrast.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/kernels/contrast_cases.h"

namespace ocellus::kernels {
namespace {

struct Shape {
  int64_t rows, columns, first;
  float scale;
};

// One element, odd tails, more columns than a task has, logits whose exponentials overflow.
constexpr Shape kShapes[] = {
    {1, 1, 0, 1.0f}, {3, 17, 2, 5.0f}, {40, 300, 130, 20.0f}, {5, 33, 28, 400.0f}};

double Sum(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}

double LogSumExp(const std::vector<double>& values) {
  const double highest = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (const double value : values) sum += std::exp(value - highest);
  return highest + std::log(sum);
}

std::vector<double> RowLogSumExps(const ContrastCase& c) {
  std::vector<double> sums;
  for (int64_t i = 0; i < c.rows; ++i) {
    std::vector<double> row;
    for (int64_t j = 0; j < c.columns; ++j) row.push_back(c.Logit(i, j));
    sums.push_back(LogSumExp(row));
  }
  return sums;
}

TEST(ContrastTest, StatisticsAreOverRowsAndOverColumnsOfAllTiles) {
  for (const Shape& s : kShapes) {
    ContrastCase one(s.rows, s.columns, s.first, s.scale, false, 1);
    ContrastCase two(s.rows, s.columns, s.first, s.scale, false, 2);
    cpu::ContrastStatistics(one.Statistics(true), Serially);
    ContrastStatisticsArgs args = two.Statistics(true);
    args.column_max = one.column_max.floats();
    args.column_sum = one.column_sum.floats();
    cpu::ContrastStatistics(args, Serially);
    ExpectNear(two.row_lse, RowLogSumExps(two), 2e-6, "row");
    for (int64_t i = 0; i < s.rows; ++i) {
      EXPECT_NEAR(two.partner.At(i), two.Logit(i, s.first + i), 1e-6 * s.scale * 4);
    }
    for (int64_t j = 0; j < s.columns; ++j) {
      std::vector<double> column;
      for (int64_t i = 0; i < s.rows; ++i) column.push_back(one.Logit(i, j));
      for (int64_t i = 0; i < s.rows; ++i) column.push_back(two.Logit(i, j));
      const double got = one.column_max.At(j) + std::log(double{one.column_sum.At(j)});
      const double want = LogSumExp(column);
      EXPECT_NEAR(got, want, 2e-6 * std::max(1.0, std::abs(want)));
    }
  }
}

TEST(ContrastTest, GradientsAreThoseOfTheSoftmaxes) {
  for (const Shape& s : kShapes) {
    for (const bool by_column : {true, false}) {
      ContrastCase c(s.rows, s.columns, s.first, s.scale, true, 3);
      const ContrastCase before(s.rows, s.columns, s.first, s.scale, true, 3);
      const std::vector<double> row_lse = RowLogSumExps(before);
      for (int64_t i = 0; i < s.rows; ++i) c.row_lse.Set(i, static_cast<float>(row_lse[i]));
      for (int64_t j = 0; j < s.columns; ++j) c.column_sum.Set(j, 5.0f * s.scale + j % 5);
      cpu::ContrastGradient(c.Gradient(by_column), Serially);
      std::vector<double> d, d_scale;
      for (int64_t i = 0; i < s.rows; ++i) {
        std::vector<double> shares;
        for (int64_t j = 0; j < s.columns; ++j) {
          const double logit = before.Logit(i, j);
          double value = std::exp(logit - row_lse[i]);
          if (by_column) value += std::exp(logit - double{c.column_sum.At(j)});
          if (j == s.first + i) value -= by_column ? 2 : 1;
          d.push_back(value);
          shares.push_back(value * before.products.At(i * s.columns + j));
        }
        d_scale.push_back(Sum(shares));
      }
      const double tolerance = 3e-7 * std::max(4.0f, s.scale);  // of a rounded logit
      ExpectNear(c.products, d, tolerance, "d");
      ExpectNear(c.d_scale, d_scale, 4 * tolerance, "d_scale");
    }
  }
}

TEST(ContrastTest, SigmoidsAreTheirDefinition) {
  for (const Shape& s : kShapes) {
    ContrastCase c(s.rows, s.columns, s.first, s.scale, true, 4);
    const ContrastCase before(s.rows, s.columns, s.first, s.scale, true, 4);
    cpu::SigmoidContrast(c.Sigmoid(), Serially);
    std::vector<double> d, loss, d_scale, d_bias;
    for (int64_t i = 0; i < s.rows; ++i) {
      std::vector<double> losses, shares, biases;
      for (int64_t j = 0; j < s.columns; ++j) {
        const double logit = before.Logit(i, j), own = j == s.first + i ? 1 : 0;
        losses.push_back(std::max(logit, 0.0) + std::log1p(std::exp(-std::abs(logit))) -
                         own * logit);
        d.push_back(1 / (1 + std::exp(-logit)) - own);
        shares.push_back(d.back() * before.products.At(i * s.columns + j));
        biases.push_back(d.back());
      }
      loss.push_back(Sum(losses));
      d_scale.push_back(Sum(shares));
      d_bias.push_back(Sum(biases));
    }
    ExpectNear(c.products, d, 4e-7 * std::max(1.0f, s.scale), "d");
    ExpectNear(c.loss, loss, 4e-6, "loss");
    ExpectNear(c.d_scale, d_scale, 4e-5, "d_scale");
    ExpectNear(c.d_bias, d_bias, 4e-5, "d_bias");
  }
}

TEST(ContrastTest, SmallProbabilitiesKeepTheirShare) {
  ContrastCase c(1, 16, 0, 1.0f, false, 5);
  for (int64_t j = 0; j < 16; ++j) c.products.Set(j, -12.0f);
  cpu::SigmoidContrast(c.Sigmoid(), Serially);
  EXPECT_NEAR(c.loss.At(0) - 12.0, 16 * std::log1p(std::exp(-12.0)), 1e-6);
}

}  // namespace
}  // namespace ocellus::kernels
