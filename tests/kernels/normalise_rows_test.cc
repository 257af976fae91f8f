// Rows as directions against the definition in fp64.
#include "kernels/normalise_rows.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/arrays.h"

namespace ocellus::kernels {
namespace {

constexpr float kEps = 1e-3f;

void Check(int64_t rows, int64_t width, Element type, double tolerance) {
  SCOPED_TRACE(testing::Message() << rows << " x " << width);
  Array x = Array::Normal(rows * width, 1, type), d_y = Array::Normal(rows * width, 2);
  Array y(rows * width), length(rows), d_x(rows * width, type);
  for (int64_t j = 0; j < width && rows > 1; ++j) x.Set(width + j, 0);  // row 1 has no direction
  cpu::NormaliseRowsForward({rows, width, kEps, x.data(), type, y.floats(), length.floats()},
                            Serially);
  cpu::NormaliseRowsBackward(
      {rows, width, kEps, y.floats(), length.floats(), d_y.floats(), d_x.data(), type}, Serially);
  std::vector<double> exact(rows * width), gradient(rows * width);
  for (int64_t i = 0; i < rows; ++i) {
    double squares = 0, along = 0;
    for (int64_t j = 0; j < width; ++j) squares += std::pow(double{x.At(i * width + j)}, 2);
    const double size = std::max(std::sqrt(squares), double{kEps});
    for (int64_t j = 0; j < width; ++j) {
      exact[i * width + j] = x.At(i * width + j) / size;
      along += exact[i * width + j] * d_y.At(i * width + j);
    }
    if (squares == 0) along = 0;
    for (int64_t j = 0; j < width; ++j) {
      gradient[i * width + j] = (d_y.At(i * width + j) - exact[i * width + j] * along) / size;
    }
  }
  ExpectNear(y, exact, 1e-6, "y");
  ExpectNear(d_x, gradient, tolerance, "d_x");
}

TEST(NormaliseRowsTest, IsItsDefinition) {
  for (const auto& [rows, width] : {std::pair{1, 1}, {0, 5}, {3, 17}, {40, 256}, {2, 1000}}) {
    Check(rows, width, Element::kFloat32, 2e-6);
    Check(rows, width, Element::kBFloat16, 8e-3);
  }
}

}  // namespace
}  // namespace ocellus::kernels
