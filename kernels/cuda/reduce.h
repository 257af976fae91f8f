// Sums over the threads of a block, and over the parts of kernels/partition.h; both in a fixed
// order.
#pragma once

#include "kernels/cuda/launch.h"

namespace ocellus::kernels::cuda {

constexpr unsigned kAllLanes = 0xffffffffu;
constexpr int kWarp = 32;
constexpr int kWarpsMax = 32;

struct Two {
  float first;
  float second;
};

__device__ inline Two WarpSum(Two v) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    v.first += __shfl_xor_sync(kAllLanes, v.first, offset);
    v.second += __shfl_xor_sync(kAllLanes, v.second, offset);
  }
  return v;
}

// The sum over all threads of the block, for all of them. Every thread must call it; blockDim.x is
// a multiple of 32. `scratch` is shared memory of kWarpsMax entries, reusable after the next
// barrier.
__device__ inline Two BlockSum(Two v, Two* scratch) {
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  v = WarpSum(v);
  __syncthreads();  // the previous sum's readers are done
  if (lane == 0) scratch[warp] = v;
  __syncthreads();
  const int warps = blockDim.x / kWarp;
  return WarpSum(lane < warps ? scratch[lane] : Two{0, 0});
}

__device__ inline float BlockSum(float v, Two* scratch) {
  return BlockSum(Two{v, 0}, scratch).first;
}

// out[j] = sum over parts of partial[part * stride + j]; one thread a column.
static __global__ void AddPartsKernel(const float* partial, int64_t parts, int64_t stride,
                                      int64_t width, float* out) {
  const int64_t j = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (j >= width) return;
  float sum = 0;
  for (int64_t part = 0; part < parts; ++part) sum += partial[part * stride + j];
  out[j] = sum;
}

inline void AddParts(const float* partial, int64_t parts, int64_t stride, int64_t width, float* out,
                     void* stream) {
  constexpr int kThreads = 64;
  OCELLUS_KERNEL_LAUNCH(AddPartsKernel, dim3((width + kThreads - 1) / kThreads), dim3(kThreads), 0,
                        stream, partial, parts, stride, width, out);
  CheckLaunch("AddParts");
}

}  // namespace ocellus::kernels::cuda
