// The CUDA source of ReLICv2's terms, emulated, against its CPU twin.
#include "kernels/relic_terms.h"

#include <gtest/gtest.h>

#include "tests/kernels/relic_cases.h"
#include "tests/support/cuda_emulation/emulation.h"

namespace ocellus::kernels {
namespace {

void Check(const RelicNumbers& numbers, RelicDivergence divergence) {
  SCOPED_TRACE(testing::Message() << numbers.rows << " of " << numbers.others << ", "
                                  << static_cast<int>(divergence));
  RelicCase cpu(numbers, divergence), cuda(numbers, divergence);
  cpu::RelicForward(cpu.Forward(), Serially);
  cpu::RelicBackward(cpu.Backward(), Serially);
  cuda::RelicForward(cuda.Forward(), nullptr);
  cuda::RelicBackward(cuda.Backward(), nullptr);
  ExpectNear(cuda.likelihood, cpu.likelihood, 4e-6, "likelihood");
  ExpectNear(cuda.kl, cpu.kl, 4e-6, "kl");
  ExpectNear(cuda.d_p, cpu.d_p, 1e-5, "d_p");
  const bool teaches = divergence == RelicDivergence::kSoftLabel;
  if (!teaches) ExpectNear(cuda.d_q, cpu.d_q, 1e-5, "d_q");
  if (!numbers.chosen) return;
  ExpectNear(cuda.d_online, cpu.d_online, 2e-5, "d_online");
  if (!teaches) ExpectNear(cuda.d_all_online, cpu.d_all_online, 2e-5, "d_all_online");
}

TEST(CudaRelicTermsTest, AgreeWithTheirTwin) {
  uint64_t seed = 1;
  for (const RelicDivergence divergence : kRelicDivergences) {
    emulation::SetSeed(seed++);
    for (const RelicNumbers& numbers : RelicShapes()) Check(numbers, divergence);
  }
}

TEST(CudaRelicTermsTest, TakeNoImages) {
  RelicCase c({0, 3, 2, 4, 0, true}, RelicDivergence::kListing);
  cuda::RelicForward(c.Forward(), nullptr);
  cuda::RelicBackward(c.Backward(), nullptr);
  EXPECT_EQ(c.d_all_online.At(7), 0.0f);
}

}  // namespace
}  // namespace ocellus::kernels
