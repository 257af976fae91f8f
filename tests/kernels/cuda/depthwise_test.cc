// The CUDA source of the depthwise convolution, emulated, against its CPU twin.
#include "kernels/depthwise.h"

#include <gtest/gtest.h>

#include "tests/kernels/depthwise_cases.h"
#include "tests/support/cuda_emulation/emulation.h"

namespace ocellus::kernels {
namespace {

void Check(const DepthwiseSize& size, Element type, bool biased, double tolerance) {
  SCOPED_TRACE(testing::Message() << size.images << " x " << size.height << " x " << size.width
                                  << " x " << size.channels);
  DepthwiseCase cpu(size, type), cuda(size, type);
  cpu::Depthwise(cpu.Forward(biased), Serially);
  cpu::DepthwiseWeightGradient(cpu.WeightGradient(), Serially);
  cuda::Depthwise(cuda.Forward(biased), nullptr);
  cuda::DepthwiseWeightGradient(cuda.WeightGradient(), nullptr);
  ExpectNear(cuda.y, cpu.y, tolerance, "y");
  ExpectNear(cuda.d_weight, cpu.d_weight, 2e-5, "d_weight");
  ExpectNear(cuda.d_bias, cpu.d_bias, 2e-5, "d_bias");
}

TEST(CudaDepthwiseTest, AgreesWithItsTwin) {
  emulation::SetSeed(7);
  for (const DepthwiseSize& size : kDepthwiseSizes) {
    Check(size, Element::kFloat32, true, 1e-5);
    Check(size, Element::kBFloat16, false, 1.6e-2);
  }
}

}  // namespace
}  // namespace ocellus::kernels
