// The CUDA source of batch normalisation's parts, emulated, against their CPU twins.
#include "kernels/channel_norm.h"

#include <gtest/gtest.h>

#include "tests/kernels/channel_cases.h"
#include "tests/support/cuda_emulation/emulation.h"

namespace ocellus::kernels {
namespace {

void Check(int64_t rows, int64_t channels, Element type, double rounding) {
  SCOPED_TRACE(testing::Message() << rows << " x " << channels);
  ChannelCase cpu(rows, channels, type), cuda(rows, channels, type);
  cpu::ChannelMoments(cpu.Moments(), Serially);
  cpu::ChannelAffine(cpu.Affine(), Serially);
  cpu::ChannelGradientSums(cpu.Sums(), Serially);
  cpu::ChannelGradient(cpu.Gradient(), Serially);
  cuda::ChannelMoments(cuda.Moments(), nullptr);
  cuda::ChannelAffine(cuda.Affine(), nullptr);
  cuda::ChannelGradientSums(cuda.Sums(), nullptr);
  cuda::ChannelGradient(cuda.Gradient(), nullptr);
  ExpectNear(cuda.mean, cpu.mean, 1e-6, "mean");
  ExpectNear(cuda.variance, cpu.variance, 1e-5, "variance");
  ExpectNear(cuda.sum, cpu.sum, 1e-5, "sum");
  ExpectNear(cuda.sum_x, cpu.sum_x, 2e-4, "sum_x");
  ExpectNear(cuda.y, cpu.y, rounding, "y");
  ExpectNear(cuda.d_x, cpu.d_x, 2 * rounding, "d_x");
}

TEST(CudaChannelNormTest, AgreesWithItsTwin) {
  emulation::SetSeed(6);
  for (const ChannelShape& s : kChannelShapes) {
    Check(s.rows, s.channels, Element::kFloat32, 2e-6);
    Check(s.rows, s.channels, Element::kBFloat16, 1e-2);
  }
}

TEST(CudaChannelNormTest, TakesNoRows) {
  ChannelCase c(0, 5, Element::kFloat32);
  cuda::ChannelAffine(c.Affine(), nullptr);
  cuda::ChannelGradient(c.Gradient(), nullptr);
}

}  // namespace
}  // namespace ocellus::kernels
