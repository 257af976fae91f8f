// The depthwise convolution against its definition in fp64.
#include "kernels/depthwise.h"

#include <gtest/gtest.h>

#include "tests/kernels/depthwise_cases.h"

namespace ocellus::kernels {
namespace {

struct Exact {
  Exact(const DepthwiseCase& c, bool biased)
      : y(c.x.size()), d_weight(c.weight.size()), d_bias(c.shape.channels) {
    for (int64_t at = 0; at < c.x.size(); ++at) {
      const int64_t channel = at % c.shape.channels;
      y[at] = biased ? c.bias.At(channel) : 0;
      d_bias[channel] += c.d_y.At(at);
      for (int tap = 0; tap < kTaps; ++tap) AddTap(c, at, tap);
    }
  }

  void AddTap(const DepthwiseCase& c, int64_t at, int tap) {
    const DepthwiseShape& s = c.shape;
    const int64_t channel = at % s.channels, pixel = at / s.channels;
    const int64_t w = pixel % s.width + tap % kTapsAcross - 3;
    const int64_t h = pixel / s.width % s.height + tap / kTapsAcross - 3;
    if (w < 0 || w >= s.width || h < 0 || h >= s.height) return;
    const int64_t image = pixel / s.width / s.height;
    const double x = c.x.At(((image * s.height + h) * s.width + w) * s.channels + channel);
    y[at] += x * c.weight.At(tap * s.channels + channel);
    d_weight[tap * s.channels + channel] += x * c.d_y.At(at);
  }

  std::vector<double> y, d_weight, d_bias;
};

void Check(const DepthwiseSize& size, Element type, bool biased, double tolerance) {
  SCOPED_TRACE(testing::Message() << size.images << " x " << size.height << " x " << size.width
                                  << " x " << size.channels);
  DepthwiseCase c(size, type);
  cpu::Depthwise(c.Forward(biased), Serially);
  cpu::DepthwiseWeightGradient(c.WeightGradient(), Serially);
  const Exact exact(c, biased);
  ExpectNear(c.y, exact.y, tolerance, "y");
  ExpectNear(c.d_weight, exact.d_weight, 2e-5, "d_weight");
  ExpectNear(c.d_bias, exact.d_bias, 2e-5, "d_bias");
}

TEST(DepthwiseTest, IsItsDefinition) {
  for (const DepthwiseSize& size : kDepthwiseSizes) {
    Check(size, Element::kFloat32, true, 1e-5);
    Check(size, Element::kBFloat16, false, 1.6e-2);
  }
}

}  // namespace
}  // namespace ocellus::kernels
