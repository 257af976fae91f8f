// The emulation itself: that it runs correct kernels right, and shows every kind of mistake that it
// is there for, planted here.
#include "tests/support/cuda_emulation/emulation.h"

#include <gtest/gtest.h>

#include "kernels/cuda/reduce.h"
#include "tests/kernels/arrays.h"

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

void LaunchRotate(Array& out, bool barrier) {
  float* data = out.floats();
  OCELLUS_KERNEL_LAUNCH(Rotate, dim3(2), dim3(kThreads), kThreads * sizeof(float), nullptr, data,
                        barrier);
}

TEST(EmulationTest, RunsBarriers) {
  for (uint64_t seed = 0; seed < 10; ++seed) {
    emulation::SetSeed(seed);
    Array out(2 * kThreads);
    LaunchRotate(out, true);
    for (int i = 0; i < out.size(); ++i) {
      EXPECT_EQ(out.At(i), static_cast<float>((i % kThreads + 1) % kThreads));
    }
  }
}

void Butterfly(float* out) {
  float value = static_cast<float>(threadIdx.x);
  for (int offset = 16; offset > 0; offset /= 2) {
    value += __shfl_xor_sync(0xffffffffu, value, offset);
  }
  out[threadIdx.x] = value;
}

TEST(EmulationTest, ShufflesWithinWarps) {
  Array out(64);
  float* data = out.floats();
  OCELLUS_KERNEL_LAUNCH(Butterfly, dim3(1), dim3(64), 0, nullptr, data);
  for (int i = 0; i < 64; ++i) EXPECT_EQ(out.At(i), i < 32 ? 496.0f : 1520.0f);
}

void Vote(float* out) {
  const unsigned odd = __ballot_sync(0xffffffffu, threadIdx.x % 2);
  const bool any = __any_sync(0xffffffffu, threadIdx.x == 40);
  const bool all = __all_sync(0xffffffffu, threadIdx.x < 32);
  out[threadIdx.x] = (odd == 0xaaaaaaaau) + (any ? 2.0f : 0.0f) + (all ? 4.0f : 0.0f);
}

TEST(EmulationTest, VotesWithinWarps) {
  Array out(64);
  float* data = out.floats();
  OCELLUS_KERNEL_LAUNCH(Vote, dim3(1), dim3(64), 0, nullptr, data);
  for (int i = 0; i < 64; ++i) EXPECT_EQ(out.At(i), i < 32 ? 5.0f : 3.0f);
}

// Planted mistakes that a test of numbers, bounds and orders must not let through.
enum class Mistake {
  kNone,
  kReadBeyondArray,
  kWriteBeyondArray,
  kWriteBeforeArray,
  kBeyondSharedMemory,
  kMisaligned,
  kReadTooEarly,
  kOverwriteTooEarly,
  kTwoWriters,
  kBlocksMeet,
  kNoWarpBarrier,
  kPlainCount,
  kWriteArguments,
};

struct Arguments {
  Mistake mistake;
  float* array;  // kThreads * 2 numbers, then one more in `count`
  float* count;
};

void Access(const Arguments& args) {
  const int i = static_cast<int>(threadIdx.x), last = kThreads * 2 - 1;
  float* shared = DynamicShared<float>();
  switch (args.mistake) {
    case Mistake::kReadBeyondArray:
      if (i == 0) args.count[0] = args.array[last + 1];
      return;
    case Mistake::kWriteBeyondArray:
      if (i == 0) args.array[last + 1] = 1;
      return;
    case Mistake::kWriteBeforeArray:
      if (i == 0) args.array[-1] = 1;
      return;
    case Mistake::kBeyondSharedMemory:
      if (i == 0) shared[kThreads] = 1;
      return;
    case Mistake::kMisaligned:
      if (i == 0) StorePack<4>(args.array + 1, Pack<float, 4>{});
      return;
    case Mistake::kWriteArguments:
      if (i == 0) const_cast<Arguments&>(args).array = nullptr;
      return;
    default:
      return;
  }
}

void Meet(const Arguments& args) {
  const int i = static_cast<int>(threadIdx.x), block = static_cast<int>(blockIdx.x);
  float* shared = DynamicShared<float>();
  shared[i] = static_cast<float>(i);
  switch (args.mistake) {
    case Mistake::kReadTooEarly:
      args.array[i] = shared[(i + 1) % kThreads];
      return;
    case Mistake::kOverwriteTooEarly:
      __syncthreads();
      args.array[i] = shared[(i + 1) % kThreads];
      shared[i] = 0;  // the neighbour may not have read yet
      return;
    case Mistake::kTwoWriters:
      args.array[i / 2] = 1;
      return;
    case Mistake::kBlocksMeet:
      args.array[i] = static_cast<float>(block);
      return;
    case Mistake::kNoWarpBarrier:
      args.array[i] = shared[i / 32 * 32];
      return;
    case Mistake::kPlainCount:
      args.count[0] += 1;
      return;
    default:
      return;
  }
}

void Plant(void (*kernel)(const Arguments&), Mistake mistake, int64_t blocks = 1) {
  Array array(kThreads * 2), count(1);
  for (int i = 0; i < array.size(); ++i) array.Set(i, 0);
  count.Set(0, 0);
  const Arguments args{mistake, array.floats(), count.floats()};
  OCELLUS_KERNEL_LAUNCH(kernel, dim3(blocks), dim3(kThreads), kThreads * sizeof(float), nullptr,
                        args);
}

class EmulationDeathTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!emulation::ChecksAccesses()) GTEST_SKIP() << "this build has a sanitizer's checks instead";
  }
};

TEST_F(EmulationDeathTest, CatchesAccessesOutOfBounds) {
  Plant(Access, Mistake::kNone);
  for (const Mistake mistake : {Mistake::kReadBeyondArray, Mistake::kWriteBeyondArray,
                                Mistake::kWriteBeforeArray, Mistake::kBeyondSharedMemory}) {
    EXPECT_DEATH(Plant(Access, mistake), "out of bounds.*thread 0") << static_cast<int>(mistake);
  }
  EXPECT_DEATH(Plant(Access, Mistake::kMisaligned), "misaligned access");
  EXPECT_DEATH(Plant(Access, Mistake::kWriteArguments), "write to the launch's arguments");
}

TEST_F(EmulationDeathTest, CatchesRacesBetweenBarriers) {
  Plant(Meet, Mistake::kNone, 2);
  for (const Mistake mistake :
       {Mistake::kReadTooEarly, Mistake::kOverwriteTooEarly, Mistake::kTwoWriters,
        Mistake::kNoWarpBarrier, Mistake::kPlainCount}) {
    EXPECT_DEATH(Plant(Meet, mistake), "race: another thread") << static_cast<int>(mistake);
  }
}

TEST_F(EmulationDeathTest, CatchesBlocksThatMeet) {
  EXPECT_DEATH(Plant(Meet, Mistake::kBlocksMeet, 2), "race: another thread");
}

// One block's sum goes into the next's, without the barrier that lets scratch be used again.
void SumTwice(float* out, bool barrier) {
  Two* scratch = SharedArray<Two, kWarpsMax>();
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  float total = 0;
  for (int turn = 0; turn < 2; ++turn) {
    const Two sum = WarpSum({static_cast<float>(turn + 1), 0});
    if (barrier) __syncthreads();
    if (lane == 0) scratch[warp] = sum;
    __syncthreads();
    total += scratch[(warp + 1) % (kThreads / kWarp)].first;
  }
  out[threadIdx.x] = total;
}

TEST_F(EmulationDeathTest, CatchesScratchUsedAgainTooEarly) {
  Array out(kThreads);
  float* data = out.floats();
  const auto launch = [&](bool barrier) {
    OCELLUS_KERNEL_LAUNCH(SumTwice, dim3(1), dim3(kThreads), 0, nullptr, data, barrier);
  };
  launch(true);
  EXPECT_EQ(out.At(7), 96.0f);
  EXPECT_DEATH(launch(false), "race: another thread");
}

void Synchronise(float* out) {
  float* shared = DynamicShared<float>();
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = 5;
  __syncwarp();
  out[threadIdx.x] = shared[threadIdx.x / 32];
}

TEST(EmulationTest, WarpBarriersOrderTheirWarp) {
  Array out(kThreads);
  float* data = out.floats();
  OCELLUS_KERNEL_LAUNCH(Synchronise, dim3(1), dim3(kThreads), kThreads * sizeof(float), nullptr,
                        data);
  EXPECT_EQ(out.At(kThreads - 1), 5.0f);
}

void CountThreads(float* count) { atomicAdd(count, 1.0f); }

TEST(EmulationTest, AtomicsMeet) {
  Array count(1);
  count.Set(0, 0);
  float* data = count.floats();
  OCELLUS_KERNEL_LAUNCH(CountThreads, dim3(3), dim3(kThreads), 0, nullptr, data);
  EXPECT_EQ(count.At(0), 288.0f);
}

void ReadUnwritten(float* out) { out[threadIdx.x] = SharedArray<float, 32>()[threadIdx.x]; }

TEST(EmulationTest, PoisonsSharedMemory) {
  Array out(32);
  float* data = out.floats();
  OCELLUS_KERNEL_LAUNCH(ReadUnwritten, dim3(1), dim3(32), 0, nullptr, data);
  for (int i = 0; i < 32; ++i) EXPECT_TRUE(std::isnan(out.At(i)));
}

void Diverge() {
  if (threadIdx.x == 3) return;
  __syncthreads();
}

void ShuffleAlone(float* out) {
  if (threadIdx.x == 3) out[0] = __shfl_xor_sync(0xffffffffu, 1.0f, 1);
}

void ShuffleFromNobody(float* out) { out[threadIdx.x] = __shfl_xor_sync(0xffffffffu, 1.0f, 16); }

TEST(EmulationThreadsDeathTest, RefusesBarriersThatNotAllReach) {
  EXPECT_DEATH(OCELLUS_KERNEL_LAUNCH(Diverge, dim3(1), dim3(32), 0, nullptr),
               "wait at different barriers");
}

TEST(EmulationThreadsDeathTest, RefusesShufflesThatNotAllReach) {
  Array out(32);
  float* data = out.floats();
  EXPECT_DEATH(OCELLUS_KERNEL_LAUNCH(ShuffleAlone, dim3(1), dim3(32), 0, nullptr, data),
               "wait at different barriers");
  EXPECT_DEATH(OCELLUS_KERNEL_LAUNCH(ShuffleFromNobody, dim3(1), dim3(16), 0, nullptr, data),
               "lane that is not there");
}

TEST(EmulationTest, RefusesLaunchesThatADeviceWould) {
  const auto launch = [](int64_t blocks, int64_t threads, size_t shared) {
    OCELLUS_KERNEL_LAUNCH(Diverge, dim3(blocks), dim3(threads), shared, nullptr);
    return cudaGetLastError();
  };
  EXPECT_EQ(launch(1, 3, 0), cudaSuccess);
  EXPECT_EQ(launch(0, 32, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(1, 1025, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(launch(1, 32, 49 << 10), cudaErrorInvalidConfiguration);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
}

TEST(EmulationTest, RoundsLikeTheDevice) {
  EXPECT_EQ(__bfloat162float(__float2bfloat16(1.00390625f)), 1.0f);
  EXPECT_EQ(__bfloat162float(__float2bfloat16(1.01171875f)), 1.015625f);
  EXPECT_TRUE(std::isnan(__bfloat162float(__float2bfloat16(std::nanf("")))));
}

}  // namespace
}  // namespace ocellus::kernels::cuda
