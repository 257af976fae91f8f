// Global response normalisation against its definition in fp64.
#include "kernels/response_norm.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/response_cases.h"

namespace ocellus::kernels {
namespace {

// The definition of one image, step by step.
struct Exact {
  Exact(const ResponseCase& c, int64_t n)
      : c(c), n(n), length(c.shape.channels), products(c.shape.channels) {
    for (int64_t k = 0; k < c.shape.channels; ++k) {
      double squares = 0;
      for (int64_t p = 0; p < c.shape.positions; ++p) {
        squares += std::pow(double{c.x.At(At(p, k))}, 2);
        products[k] += double{c.d_y.At(At(p, k))} * c.x.At(At(p, k));
      }
      length[k] = std::sqrt(squares);
      mean += length[k] / static_cast<double>(c.shape.channels);
    }
    mean += double{c.shape.eps};
  }

  int64_t At(int64_t p, int64_t k) const {
    return (n * c.shape.positions + p) * c.shape.channels + k;
  }
  double Response(int64_t k) const { return length[k] / mean; }
  double Y(int64_t p, int64_t k) const {
    return c.x.At(At(p, k)) * (c.gamma.At(k) * Response(k) + 1) + c.beta.At(k);
  }
  // Of the length: through the own response, and through the mean in all of them.
  double DLength(int64_t k) const {
    double through_mean = 0;
    for (int64_t j = 0; j < c.shape.channels; ++j) {
      through_mean += c.gamma.At(j) * products[j] * length[j];
    }
    return c.gamma.At(k) * products[k] / mean -
           through_mean / (mean * mean * static_cast<double>(c.shape.channels));
  }
  double DX(int64_t p, int64_t k) const {
    const double direct = c.d_y.At(At(p, k)) * (c.gamma.At(k) * Response(k) + 1);
    return length[k] > 0 ? direct + DLength(k) * c.x.At(At(p, k)) / length[k] : direct;
  }

  const ResponseCase& c;
  int64_t n;
  std::vector<double> length, products;
  double mean = 0;
};

void Check(const ResponseSize& size, Element type, double tolerance) {
  SCOPED_TRACE(testing::Message() << size.images << " x " << size.positions << " x "
                                  << size.channels);
  ResponseCase c(size, type);
  cpu::ResponseNormForward(c.Forward(), Serially);
  cpu::ResponseNormBackward(c.Backward(), Serially);
  std::vector<double> y, d_x, d_gamma(size.channels), d_beta(size.channels);
  for (int64_t n = 0; n < size.images; ++n) {
    const Exact exact(c, n);
    for (int64_t p = 0; p < size.positions; ++p) {
      for (int64_t k = 0; k < size.channels; ++k) {
        y.push_back(exact.Y(p, k));
        d_x.push_back(exact.DX(p, k));
        d_beta[k] += c.d_y.At(exact.At(p, k));
      }
    }
    for (int64_t k = 0; k < size.channels; ++k) {
      d_gamma[k] += exact.products[k] * exact.Response(k);
    }
  }
  ExpectNear(c.y, y, tolerance, "y");
  ExpectNear(c.d_x, d_x, tolerance, "d_x");
  ExpectNear(c.d_gamma, d_gamma, 1e-5, "d_gamma");
  ExpectNear(c.d_beta, d_beta, 1e-5, "d_beta");
}

TEST(ResponseNormTest, IsItsDefinition) {
  for (const ResponseSize& size : kResponseSizes) {
    Check(size, Element::kFloat32, 4e-6);
    Check(size, Element::kBFloat16, 8e-3);
  }
}

}  // namespace
}  // namespace ocellus::kernels
