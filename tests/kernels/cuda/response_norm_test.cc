// The CUDA source of the response normalisation, emulated, against its CPU twin.
#include "kernels/response_norm.h"

#include <gtest/gtest.h>

#include "tests/kernels/response_cases.h"
#include "tests/support/cuda_emulation/emulation.h"

namespace ocellus::kernels {
namespace {

void Check(const ResponseSize& size, Element type, double tolerance) {
  SCOPED_TRACE(testing::Message() << size.images << " x " << size.positions << " x "
                                  << size.channels);
  ResponseCase cpu(size, type), cuda(size, type);
  cpu::ResponseNormForward(cpu.Forward(), Serially);
  cpu::ResponseNormBackward(cpu.Backward(), Serially);
  cuda::ResponseNormForward(cuda.Forward(), nullptr);
  cuda::ResponseNormBackward(cuda.Backward(), nullptr);
  ExpectNear(cuda.y, cpu.y, tolerance, "y");
  ExpectNear(cuda.length, cpu.length, 2e-6, "length");
  ExpectNear(cuda.mean, cpu.mean, 2e-6, "mean");
  ExpectNear(cuda.d_x, cpu.d_x, tolerance, "d_x");
  if (size.images == 0) return;  // nothing was asked for
  ExpectNear(cuda.d_gamma, cpu.d_gamma, 1e-5, "d_gamma");
  ExpectNear(cuda.d_beta, cpu.d_beta, 1e-5, "d_beta");
}

TEST(CudaResponseNormTest, AgreesWithItsTwin) {
  emulation::SetSeed(6);
  for (const ResponseSize& size : kResponseSizes) {
    Check(size, Element::kFloat32, 4e-6);
    Check(size, Element::kBFloat16, 8e-3);
  }
}

}  // namespace
}  // namespace ocellus::kernels
