// Many tensors in one launch: their addresses go with its arguments, and blocks find their own
// piece.
#pragma once

#include "kernels/cuda/launch.h"
#include "kernels/optimizer.h"

namespace ocellus::kernels::cuda {

constexpr int kPack = 4;

// The tensors of one launch, handed over with it. One block a piece.
template <class Tensor>
struct Batch {
  Tensor tensors[kTensorsPerLaunch];
  int first_piece[kTensorsPerLaunch + 1];  // counted from the batch's first
  bool packs[kTensorsPerLaunch];
  int size;
  int64_t pieces_before;   // of earlier batches
  int64_t tensors_before;  // likewise
};

// The elements that this block has.
struct Piece {
  int tensor;
  int64_t begin, end;
};

template <class Tensor>
__device__ Piece OwnPiece(const Batch<Tensor>& batch) {
  int tensor = 0;
  const int block = static_cast<int>(blockIdx.x);
  while (block >= batch.first_piece[tensor + 1]) ++tensor;
  const int64_t begin = (block - batch.first_piece[tensor]) * kElementsPerPiece;
  const int64_t count = batch.tensors[tensor].count, end = begin + kElementsPerPiece;
  return {tensor, begin, end < count ? end : count};
}

inline bool Packs(const float* p) { return CanPack(p, 0, kPack); }
inline bool Packs(const Followers& f) {
  return Packs(f.average) && reinterpret_cast<uintptr_t>(f.rounded) % (2 * kPack) == 0;
}
inline bool Packs(const AdamWTensor& t) {
  return t.count % kPack == 0 && Packs(t.parameter) && Packs(t.gradient) && Packs(t.first_moment) &&
         Packs(t.second_moment) && Packs(t.followers);
}
inline bool Packs(const MomentumTensor& t) {
  return t.count % kPack == 0 && Packs(t.parameter) && Packs(t.gradient) && Packs(t.buffer) &&
         Packs(t.followers);
}
inline bool Packs(const AverageTensor& t) {
  return t.count % kPack == 0 && Packs(t.parameter) && Packs(t.average);
}
inline bool Packs(const GradientTensor& t) { return t.count % kPack == 0 && Packs(t.gradient); }

// Calls launch(batch, blocks) for all tensors that have elements, in order.
template <class Tensor, class Launch>
void ForEachBatch(const Tensor* tensors, int64_t size, const Launch& launch) {
  Batch<Tensor> batch{};
  for (int64_t i = 0; i < size; ++i) {
    const Tensor& tensor = tensors[i];
    if (tensor.count > 0) {
      batch.tensors[batch.size] = tensor;
      batch.packs[batch.size] = Packs(tensor);
      batch.first_piece[batch.size + 1] =
          batch.first_piece[batch.size] + static_cast<int>(PieceCount(tensor.count));
      ++batch.size;
    }
    const int pieces = batch.first_piece[batch.size];
    if (batch.size < kTensorsPerLaunch && (i + 1 < size || batch.size == 0)) continue;
    launch(batch, pieces);
    batch.pieces_before += pieces;
    batch.tensors_before += batch.size;
    batch.size = 0;
  }
}

__device__ inline float FactorOf(const float* clip_factor) {
  return clip_factor ? *clip_factor : 1.0f;
}

__device__ inline bool IsRefused(const float* clip_factor) {
  return clip_factor && *clip_factor != *clip_factor;
}

__device__ inline float NewAverage(const StepNumbers* numbers) {
  return static_cast<float>(1 - numbers->average_momentum);
}

template <int kCount>
__device__ void Follow(const Followers& followers, const Pack<float, kCount>& parameter,
                       float weight, int64_t at) {
  if (followers.rounded) {
    Pack<__nv_bfloat16, kCount> rounded;
    for (int k = 0; k < kCount; ++k) Assign(rounded.values[k], parameter.values[k]);
    StorePack<kCount>(reinterpret_cast<__nv_bfloat16*>(followers.rounded) + at, rounded);
  }
  if (followers.average) {
    Pack<float, kCount> average = LoadPack<kCount>(followers.average + at);
    for (int k = 0; k < kCount; ++k) {
      average.values[k] += weight * (parameter.values[k] - average.values[k]);
    }
    StorePack<kCount>(followers.average + at, average);
  }
}

}  // namespace ocellus::kernels::cuda
