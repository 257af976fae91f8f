// The CUDA source of GELU, emulated, against its CPU twin.
#include "kernels/gelu.h"

#include <gtest/gtest.h>

#include "tests/kernels/arrays.h"
#include "tests/support/cuda_emulation/emulation.h"

namespace ocellus::kernels {
namespace {

void Check(int64_t rows, int64_t width, Element type, double tolerance) {
  SCOPED_TRACE(testing::Message() << rows << " x " << width);
  const int64_t size = rows * width;
  Array z = Array::Normal(size, 1, type), d_y = Array::Normal(size, 2, type);
  Array scratch(GeluScratch(rows, width));
  struct Outputs {
    Array y, d_z, d_bias;
  };
  Outputs cpu{Array(size, type), Array(size, type), Array(width)};
  Outputs cuda{Array(size, type), Array(size, type), Array(width)};
  const auto forward = [&](Outputs& out) {
    return GeluForwardArgs{
        .rows = rows, .width = width, .type = type, .z = z.data(), .y = out.y.data()};
  };
  const auto backward = [&](Outputs& out) {
    return GeluBackwardArgs{.rows = rows,
                            .width = width,
                            .type = type,
                            .z = z.data(),
                            .d_y = d_y.data(),
                            .d_z = out.d_z.data(),
                            .d_bias = out.d_bias.floats(),
                            .scratch = scratch.floats()};
  };
  cpu::GeluForward(forward(cpu), Serially);
  cpu::GeluBackward(backward(cpu), Serially);
  cuda::GeluForward(forward(cuda), nullptr);
  cuda::GeluBackward(backward(cuda), nullptr);
  ExpectNear(cuda.y, cpu.y, tolerance, "y");
  ExpectNear(cuda.d_z, cpu.d_z, tolerance, "d_z");
  ExpectNear(cuda.d_bias, cpu.d_bias, 1e-5, "d_bias");
}

TEST(CudaGeluTest, AgreesWithItsTwin) {
  emulation::SetSeed(1);
  for (const auto& [rows, width] : {std::pair{1, 1}, {3, 17}, {40, 48}, {70, 33}, {33, 520}}) {
    Check(rows, width, Element::kFloat32, 1e-6);
    Check(rows, width, Element::kBFloat16, 8e-3);
  }
}

}  // namespace
}  // namespace ocellus::kernels
