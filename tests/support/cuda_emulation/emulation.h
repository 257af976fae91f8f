// Runs CUDA kernel sources on the CPU, for tests on machines without a GPU.
//
// A kernel is compiled as C++ with OCELLUS_EMULATION naming this header (kernels/cuda/launch.h).
// The blocks of a grid run one after another; the threads of a block are fibers that run until they
// meet at a barrier or a shuffle. What makes mistakes visible:
//   * the order in which threads run is shuffled, by a seed, between any two barriers, so a missing
//     barrier gives wrong numbers for some seed;
//   * shared memory starts each block as NaN, so that what was never written shows;
//   * every access of a kernel is checked (access_checker.h): one out of bounds, one misaligned for
//     the device, and two threads that race end the test with a message. Builds for
//     AddressSanitizer check bounds alone, by AddressSanitizer: arrays are allocated to the byte;
//   * threads that wait at different barriers, or leave while others wait, shuffles that read a
//     lane that is not there, and more shared memory than a block has, end the test likewise;
//   * a launch that a device would refuse is an error of cudaGetLastError.
// It has what the kernels here use: no asynchronous copies, no tensor cores, blocks of one
// dimension.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
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

enum cudaError_t { cudaSuccess, cudaErrorInvalidConfiguration };
cudaError_t cudaGetLastError();
inline const char* cudaGetErrorString(cudaError_t error) {
  return error == cudaSuccess ? "no error" : "invalid configuration argument";
}

namespace emulation {

// Order of threads in the launches that follow. The same seed gives the same order.
void SetSeed(uint64_t seed);

// Whether accesses are checked: not in builds for a sanitizer.
bool ChecksAccesses();

// What a kernel's threads run, and the memory that holds its arguments.
struct Body {
  void (*run)(const void* captured);
  const void* captured;
  size_t captured_bytes;
};

// Runs the body once for each thread of each block. Ends the process when the kernel is at fault.
void Launch(dim3 grid, dim3 block, size_t dynamic_bytes, const Body& body);

template <class Function>
void LaunchFunction(dim3 grid, dim3 block, size_t dynamic_bytes, const Function& function) {
  const auto run = [](const void* captured) { (*static_cast<const Function*>(captured))(); };
  Launch(grid, block, dynamic_bytes, {run, &function, sizeof function});
}

// The thread that runs now.
dim3 ThreadIndex();
dim3 BlockIndex();
dim3 BlockSize();
dim3 GridSize();

// What the compiler's hooks report.
void OnRead(const void* at, size_t bytes, bool aligned);
void OnWrite(const void* at, size_t bytes, bool aligned);
// Ends the process when a pack is not where the device could load it from.
void ExpectAligned(const void* at, size_t bytes);

void WaitForBlock();
void WaitForWarp();  // with all that it has written, as __syncwarp

// Which lanes of this warp have given true at the same call.
unsigned Ballot(bool mine);

template <class T>
T AtomicAdd(T* to, T value);  // float, double, int, unsigned

// The value that lane `from` of this warp has given at the same call.
uint64_t Exchange(uint64_t value, unsigned from);

// Memory that all threads of a block share; each block finds it poisoned. A new piece that stays,
// and the piece of the launch's `dynamic_bytes`.
void* NewStaticSharedMemory(size_t bytes);
void* DynamicSharedMemory();

}  // namespace emulation

#define threadIdx (::emulation::ThreadIndex())
#define blockIdx (::emulation::BlockIndex())
#define blockDim (::emulation::BlockSize())
#define gridDim (::emulation::GridSize())

inline void __syncthreads() { ::emulation::WaitForBlock(); }
inline void __syncwarp() { ::emulation::WaitForWarp(); }

// Masks of lanes are taken to be all: a lane that is missing ends the test.
template <class T>
T __shfl_sync(unsigned, T value, int lane) {
  static_assert(sizeof(T) <= sizeof(uint64_t));
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = ::emulation::Exchange(bits, static_cast<unsigned>(lane));
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int flip) {
  return __shfl_sync(mask, value, static_cast<int>(threadIdx.x % 32) ^ flip);
}

inline unsigned __ballot_sync(unsigned, int predicate) {
  return ::emulation::Ballot(predicate != 0);
}
inline int __any_sync(unsigned mask, int predicate) { return __ballot_sync(mask, predicate) != 0; }
inline int __all_sync(unsigned mask, int predicate) { return __ballot_sync(mask, !predicate) == 0; }

template <class T>
T atomicAdd(T* to, T value) {
  return ::emulation::AtomicAdd(to, value);
}

namespace ocellus::kernels::cuda {

template <class T>
T* DynamicShared() {
  return static_cast<T*>(::emulation::DynamicSharedMemory());
}

// The static is not a kernel's access.
template <class T, int kCount>
__attribute__((no_sanitize("thread"))) T* SharedArray() {
  static void* const memory = ::emulation::NewStaticSharedMemory(sizeof(T) * kCount);
  return static_cast<T*>(memory);
}

}  // namespace ocellus::kernels::cuda

#define OCELLUS_KERNEL_LAUNCH(kernel, grid, block, shared_bytes, stream, ...) \
  ::emulation::LaunchFunction(grid, block, shared_bytes, [=] { kernel(__VA_ARGS__); })
#define OCELLUS_ALIGNED(address, bytes) ::emulation::ExpectAligned(address, bytes)
