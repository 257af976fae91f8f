// Runs CUDA kernel sources on the CPU, for tests on machines without a GPU.
//
// A kernel is compiled as C++ with OCELLUS_EMULATION naming this header (kernels/cuda/launch.h).
// The blocks of a grid run one after another; the threads of a block are fibers that run until they
// meet at a barrier or a shuffle. What makes mistakes visible:
//   * the order in which threads run is shuffled, by a seed, between any two barriers, so a missing
//     barrier gives wrong numbers for some seed;
//   * shared memory starts each block as NaN, so that what was never written shows;
//   * shared memory is allocated to the byte, so AddressSanitizer sees an access beyond it (tests
//   do
//     the same for global memory);
//   * threads that wait at different barriers, or leave while others wait, end the test with a
//     message.
// It has what the kernels here use: no atomics, no asynchronous copies, no tensor cores.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#define __global__
#define __device__
#define __host__

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3() = default;
  explicit dim3(int64_t x_, int64_t y_ = 1, int64_t z_ = 1)
      : x(static_cast<unsigned>(x_)), y(static_cast<unsigned>(y_)), z(static_cast<unsigned>(z_)) {}
};

// Rounds to nearest, ties to even, as the device does; NaN stays NaN.
struct __nv_bfloat16 {
  uint16_t bits;
};

inline float __bfloat162float(__nv_bfloat16 x) {
  const uint32_t bits = uint32_t{x.bits} << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline __nv_bfloat16 __float2bfloat16(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  if (std::isnan(x)) return {0x7fff};
  return {static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

enum cudaError_t { cudaSuccess };
inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline const char* cudaGetErrorString(cudaError_t) { return "no error"; }

namespace emulation {

// Order of threads in the launches that follow. The same seed gives the same order.
void SetSeed(uint64_t seed);

// Runs body() once for each thread of each block. Ends the process when threads disagree on a
// barrier.
void Launch(dim3 grid, dim3 block, size_t dynamic_bytes, const std::function<void()>& body);

// The thread that runs now.
struct Position {
  dim3 thread, block, block_size, grid_size;
};
const Position& Here();

void WaitForBlock();
void WaitForWarp();

// The value that lane `from` of this warp has given at the same call.
uint64_t Exchange(uint64_t value, unsigned from);

// Memory that all threads of a block share; each block finds it poisoned. A new piece that stays,
// and the piece of the launch's `dynamic_bytes`.
void* NewStaticSharedMemory(size_t bytes);
void* DynamicSharedMemory();

}  // namespace emulation

#define threadIdx (::emulation::Here().thread)
#define blockIdx (::emulation::Here().block)
#define blockDim (::emulation::Here().block_size)
#define gridDim (::emulation::Here().grid_size)

inline void __syncthreads() { ::emulation::WaitForBlock(); }

inline float __shfl_xor_sync(unsigned, float value, int mask) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const unsigned lane = ::emulation::Here().thread.x % 32;
  bits = static_cast<uint32_t>(::emulation::Exchange(bits, lane ^ static_cast<unsigned>(mask)));
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

namespace ocellus::kernels::cuda {

template <class T>
T* DynamicShared() {
  return static_cast<T*>(::emulation::DynamicSharedMemory());
}

template <class T, int kCount>
T* SharedArray() {
  static void* const memory = ::emulation::NewStaticSharedMemory(sizeof(T) * kCount);
  return static_cast<T*>(memory);
}

}  // namespace ocellus::kernels::cuda

#define OCELLUS_KERNEL_LAUNCH(kernel, grid, block, shared_bytes, stream, ...) \
  ::emulation::Launch(grid, block, shared_bytes, [=] { kernel(__VA_ARGS__); })
