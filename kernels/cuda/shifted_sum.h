// log sum e^x over the threads of a block, whatever the size of the numbers.
#pragma once

#include "kernels/cuda/reduce.h"

namespace ocellus::kernels::cuda {

// A sum of e^(x - highest).
struct ShiftedSum {
  float highest, sum;
};

__device__ inline ShiftedSum Merge(ShiftedSum a, ShiftedSum b) {
  const float highest = fmaxf(a.highest, b.highest);
  if (highest == -INFINITY) return {highest, a.sum + b.sum};  // both empty
  return {highest, a.sum * expf(a.highest - highest) + b.sum * expf(b.highest - highest)};
}

__device__ inline ShiftedSum WarpMerge(ShiftedSum v) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    const ShiftedSum other = {__shfl_xor_sync(kAllLanes, v.highest, offset),
                              __shfl_xor_sync(kAllLanes, v.sum, offset)};
    v = Merge(v, other);
  }
  return v;
}

// Of all threads of the block, for all of them; as BlockSum.
__device__ inline ShiftedSum BlockMerge(ShiftedSum v, ShiftedSum* scratch) {
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  v = WarpMerge(v);
  __syncthreads();  // the previous sum's readers are done
  if (lane == 0) scratch[warp] = v;
  __syncthreads();
  const int warps = blockDim.x / kWarp;
  return WarpMerge(lane < warps ? scratch[lane] : ShiftedSum{-INFINITY, 0});
}

}  // namespace ocellus::kernels::cuda
