// What CUDA sources need from their compiler: nvcc, or the emulation that runs them on the CPU in
// tests (then OCELLUS_EMULATION is the emulation's header).
#pragma once

#ifdef OCELLUS_EMULATION
#include OCELLUS_EMULATION
#else
#include <cuda_bf16.h>
#include <cuda_runtime.h>

#define OCELLUS_KERNEL_LAUNCH(kernel, grid, block, shared_bytes, stream, ...) \
  kernel<<<grid, block, shared_bytes, static_cast<cudaStream_t>(stream)>>>(__VA_ARGS__)

// The emulation checks that this address is a multiple of `bytes`.
#define OCELLUS_ALIGNED(address, bytes)

namespace ocellus::kernels::cuda {

// The block's dynamic shared memory.
template <class T>
__device__ T* DynamicShared() {
  extern __shared__ __align__(16) unsigned char bytes[];
  return reinterpret_cast<T*>(bytes);
}

// An array of the block's static shared memory, one for each T and kCount in a kernel.
template <class T, int kCount>
__device__ T* SharedArray() {
  __shared__ T array[kCount];
  return array;
}

}  // namespace ocellus::kernels::cuda
#endif

#include <cstdint>
#include <stdexcept>
#include <string>

namespace ocellus::kernels::cuda {

__device__ inline float ToFloat(float x) { return x; }
__device__ inline float ToFloat(__nv_bfloat16 x) { return __bfloat162float(x); }
__device__ inline void Assign(float& to, float x) { to = x; }
__device__ inline void Assign(__nv_bfloat16& to, float x) { to = __float2bfloat16(x); }

// kCount neighbours, loaded and stored in one instruction.
template <class T, int kCount>
struct alignas(sizeof(T) * kCount) Pack {
  T values[kCount];
};

template <int kCount, class T>
__device__ Pack<T, kCount> LoadPack(const T* p) {
  OCELLUS_ALIGNED(p, sizeof(Pack<T, kCount>));
  return *reinterpret_cast<const Pack<T, kCount>*>(p);
}

template <int kCount, class T>
__device__ void StorePack(T* p, const Pack<T, kCount>& pack) {
  OCELLUS_ALIGNED(p, sizeof(Pack<T, kCount>));
  *reinterpret_cast<Pack<T, kCount>*>(p) = pack;
}

// Whether rows of `width` elements may be accessed in packs of `count` from this address on.
template <class T>
bool CanPack(const T* p, int64_t width, int count) {
  return width % count == 0 && reinterpret_cast<uintptr_t>(p) % (sizeof(T) * count) == 0;
}

// Throws when the launch just made was refused (a wrong grid, no device code for this GPU).
inline void CheckLaunch(const char* what) {
  const cudaError_t error = cudaGetLastError();
  if (error == cudaSuccess) return;
  throw std::runtime_error(std::string("launching ") + what + ": " + cudaGetErrorString(error));
}

}  // namespace ocellus::kernels::cuda
