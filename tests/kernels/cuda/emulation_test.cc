// The emulation itself: that it runs correct kernels right, and shows the mistakes it is there for.
#include "tests/support/cuda_emulation/emulation.h"

#include <gtest/gtest.h>

namespace ocellus::kernels::cuda {
namespace {

constexpr int kThreads = 96;

// Each thread reads what its neighbour wrote.
void Rotate(float* out, bool barrier) {
  float* shared = DynamicShared<float>();
  shared[threadIdx.x] = static_cast<float>(threadIdx.x);
  if (barrier) __syncthreads();
  out[blockIdx.x * kThreads + threadIdx.x] = shared[(threadIdx.x + 1) % kThreads];
}

// Whether all threads read their neighbour, in the order of `seed`.
bool RotatesRight(uint64_t seed, bool barrier) {
  std::vector<float> out(2 * kThreads);
  float* data = out.data();
  emulation::SetSeed(seed);
  OCELLUS_KERNEL_LAUNCH(Rotate, dim3(2), dim3(kThreads), kThreads * sizeof(float), nullptr, data,
                        barrier);
  for (int i = 0; i < 2 * kThreads; ++i) {
    if (out[i] != static_cast<float>((i + 1) % kThreads)) return false;
  }
  return true;
}

TEST(EmulationTest, RunsBarriers) {
  for (uint64_t seed = 0; seed < 10; ++seed) EXPECT_TRUE(RotatesRight(seed, true));
}

TEST(EmulationTest, ShowsAMissingBarrier) {
  for (uint64_t seed = 0; seed < 10; ++seed) EXPECT_FALSE(RotatesRight(seed, false));
}

void Butterfly(float* out) {
  float value = static_cast<float>(threadIdx.x);
  for (int offset = 16; offset > 0; offset /= 2) {
    value += __shfl_xor_sync(0xffffffffu, value, offset);
  }
  out[threadIdx.x] = value;
}

TEST(EmulationTest, ShufflesWithinWarps) {
  std::vector<float> out(64);
  float* data = out.data();
  OCELLUS_KERNEL_LAUNCH(Butterfly, dim3(1), dim3(64), 0, nullptr, data);
  for (int i = 0; i < 64; ++i) EXPECT_EQ(out[i], i < 32 ? 496.0f : 1520.0f);
}

void ReadUnwritten(float* out) { out[threadIdx.x] = SharedArray<float, 32>()[threadIdx.x]; }

TEST(EmulationTest, PoisonsSharedMemory) {
  std::vector<float> out(32);
  float* data = out.data();
  OCELLUS_KERNEL_LAUNCH(ReadUnwritten, dim3(1), dim3(32), 0, nullptr, data);
  for (const float value : out) EXPECT_TRUE(std::isnan(value));
}

void Diverge() {
  if (threadIdx.x == 3) return;
  __syncthreads();
}

TEST(EmulationDeathTest, RefusesBarriersThatNotAllReach) {
  EXPECT_DEATH(OCELLUS_KERNEL_LAUNCH(Diverge, dim3(1), dim3(32), 0, nullptr),
               "wait at different barriers");
}

TEST(EmulationTest, RoundsLikeTheDevice) {
  EXPECT_EQ(__bfloat162float(__float2bfloat16(1.00390625f)), 1.0f);
  EXPECT_EQ(__bfloat162float(__float2bfloat16(1.01171875f)), 1.015625f);
  EXPECT_TRUE(std::isnan(__bfloat162float(__float2bfloat16(std::nanf("")))));
}

}  // namespace
}  // namespace ocellus::kernels::cuda
