#include "kernels/gelu.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/arrays.h"

namespace ocellus::kernels {
namespace {

double Below(double x) { return 0.5 * std::erfc(-x * std::sqrt(0.5)); }

double Slope(double x) {
  return Below(x) + x * std::exp(-0.5 * x * x) / std::sqrt(2 * std::acos(-1.0));
}

void Check(int64_t rows, int64_t width, Element type, double tolerance) {
  Array z = Array::Normal(rows * width, 1, type), d_y = Array::Normal(rows * width, 2, type);
  Array y(rows * width, type), d_z(rows * width, type), d_bias(width);
  Array scratch(GeluScratch(rows, width));
  cpu::GeluForward({.rows = rows, .width = width, .type = type, .z = z.data(), .y = y.data()},
                   Serially);
  cpu::GeluBackward({.rows = rows,
                     .width = width,
                     .type = type,
                     .z = z.data(),
                     .d_y = d_y.data(),
                     .d_z = d_z.data(),
                     .d_bias = d_bias.floats(),
                     .scratch = scratch.floats()},
                    Serially);
  std::vector<double> value(rows * width), gradient(rows * width), bias(width);
  for (int64_t i = 0; i < rows * width; ++i) {
    value[i] = z.At(i) * Below(z.At(i));
    gradient[i] = d_y.At(i) * Slope(z.At(i));
    bias[i % width] += gradient[i];
  }
  ExpectNear(y, value, tolerance, "y");
  ExpectNear(d_z, gradient, tolerance, "d_z");
  ExpectNear(d_bias, bias, 1e-5, "d_bias");
}

TEST(GeluTest, AgreesWithTheFormula) {
  for (const auto& [rows, width] : {std::pair{1, 1}, {3, 17}, {40, 48}, {70, 33}}) {
    Check(rows, width, Element::kFloat32, 4e-7);
    Check(rows, width, Element::kBFloat16, 4e-3);
  }
}

}  // namespace
}  // namespace ocellus::kernels
