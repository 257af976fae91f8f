// The CUDA source of rows as directions, emulated, against its CPU twin.
#include "kernels/normalise_rows.h"

#include <gtest/gtest.h>

#include "tests/kernels/arrays.h"
#include "tests/support/cuda_emulation/emulation.h"

namespace ocellus::kernels {
namespace {

void Check(int64_t rows, int64_t width, Element type, double tolerance) {
  SCOPED_TRACE(testing::Message() << rows << " x " << width);
  Array x = Array::Normal(rows * width, 1, type), d_y = Array::Normal(rows * width, 2);
  for (int64_t j = 0; j < width && rows > 1; ++j) x.Set(width + j, 0);
  struct Outputs {
    Array y, length, d_x;
  };
  Outputs cpu{Array(rows * width), Array(rows), Array(rows * width, type)};
  Outputs cuda{Array(rows * width), Array(rows), Array(rows * width, type)};
  const auto forward = [&](Outputs& out) {
    return NormaliseRowsForwardArgs{
        rows, width, 1e-3f, x.data(), type, out.y.floats(), out.length.floats()};
  };
  const auto backward = [&](Outputs& out) {
    return NormaliseRowsBackwardArgs{
        rows,         width,          1e-3f, out.y.floats(), out.length.floats(),
        d_y.floats(), out.d_x.data(), type};
  };
  cpu::NormaliseRowsForward(forward(cpu), Serially);
  cpu::NormaliseRowsBackward(backward(cpu), Serially);
  cuda::NormaliseRowsForward(forward(cuda), nullptr);
  cuda::NormaliseRowsBackward(backward(cuda), nullptr);
  ExpectNear(cuda.y, cpu.y, 1e-6, "y");
  ExpectNear(cuda.length, cpu.length, 1e-6, "length");
  ExpectNear(cuda.d_x, cpu.d_x, tolerance, "d_x");
}

TEST(CudaNormaliseRowsTest, AgreesWithItsTwin) {
  emulation::SetSeed(4);
  for (const auto& [rows, width] : {std::pair{1, 1}, {0, 5}, {3, 17}, {5, 256}}) {
    Check(rows, width, Element::kFloat32, 2e-6);
    Check(rows, width, Element::kBFloat16, 8e-3);
  }
}

}  // namespace
}  // namespace ocellus::kernels
