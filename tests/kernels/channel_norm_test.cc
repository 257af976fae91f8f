// Batch normalisation's parts against their definitions in fp64.
#include "kernels/channel_norm.h"

#include <gtest/gtest.h>

#include "tests/kernels/channel_cases.h"

namespace ocellus::kernels {
namespace {

void Check(int64_t rows, int64_t channels, Element type, double rounding) {
  SCOPED_TRACE(testing::Message() << rows << " x " << channels);
  ChannelCase c(rows, channels, type);
  cpu::ChannelMoments(c.Moments(), Serially);
  cpu::ChannelAffine(c.Affine(), Serially);
  cpu::ChannelGradientSums(c.Sums(), Serially);
  cpu::ChannelGradient(c.Gradient(), Serially);
  std::vector<double> mean(channels), variance(channels), sum(channels), sum_x(channels);
  std::vector<double> y(rows * channels), d_x(rows * channels);
  for (int64_t i = 0; i < rows * channels; ++i) mean[i % channels] += c.x.At(i) / double(rows);
  for (int64_t i = 0; i < rows * channels; ++i) {
    const int64_t j = i % channels;
    const double x = c.x.At(i), d_y = c.d_y.At(i), a = c.a.At(j), b = c.b.At(j);
    variance[j] += (x - mean[j]) * (x - mean[j]) / static_cast<double>(rows);
    sum[j] += d_y;
    sum_x[j] += d_y * (x - a) * b;
    y[i] = x * a + b;
    d_x[i] = (d_y - c.c.At(j)) * a + (x - mean[j]) * b;
  }
  ExpectNear(c.mean, mean, 1e-6, "mean");
  ExpectNear(c.variance, variance, 1e-5, "variance");
  ExpectNear(c.sum, sum, 1e-5, "sum");
  ExpectNear(c.sum_x, sum_x, 2e-4, "sum_x");
  ExpectNear(c.y, y, rounding, "y");
  ExpectNear(c.d_x, d_x, 2 * rounding, "d_x");
}

TEST(ChannelNormTest, IsItsDefinition) {
  for (const ChannelShape& s : kChannelShapes) {
    Check(s.rows, s.channels, Element::kFloat32, 2e-6);
    Check(s.rows, s.channels, Element::kBFloat16, 8e-3);
  }
}

}  // namespace
}  // namespace ocellus::kernels
