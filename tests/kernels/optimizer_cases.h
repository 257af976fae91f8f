// Tensors for the optimizers' tests: many small ones, one of several pieces, an empty one and one
// that no vector load may take, each with what belongs to it.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/optimizer.h"
#include "tests/kernels/arrays.h"

namespace ocellus::kernels {

inline std::vector<int64_t> TensorSizes() {
  std::vector<int64_t> sizes = {1, 17, 0, 2 * kElementsPerPiece + 5, 64, 260};
  for (int64_t i = 0; i < kTensorsPerLaunch; ++i) sizes.push_back(3 + i);
  sizes.push_back(0);
  return sizes;
}

// The arrays of one tensor. With `shifted` they begin one element late.
class OptimizedTensor {
 public:
  OptimizedTensor(int64_t count, uint64_t seed)
      : count_(count),
        shift_(seed % 3 == 1 ? 1 : 0),
        parameter(Make(seed)),
        gradient(Make(seed + 1)),
        first(Make(seed + 2)),
        second(Make(seed + 3)),
        average(Make(seed + 4)),
        rounded(count + shift_, Element::kBFloat16) {
    for (int64_t i = 0; i < second.size(); ++i) second.Set(i, second.At(i) * second.At(i));
  }

  int64_t count() const { return count_; }
  // Element i of an array of this tensor.
  float At(const Array& array, int64_t i) const { return array.At(i + shift_); }

  Followers Follow() {
    return {static_cast<BFloat16*>(rounded.data()) + shift_, average.floats() + shift_};
  }
  AdamWTensor ForAdamW(float decay, bool follows) {
    return {count_,
            parameter.floats() + shift_,
            gradient.floats() + shift_,
            first.floats() + shift_,
            second.floats() + shift_,
            decay,
            follows ? Follow() : Followers{}};
  }
  MomentumTensor ForMomentum(float decay, bool adapts, bool follows) {
    return {count_,
            parameter.floats() + shift_,
            gradient.floats() + shift_,
            first.floats() + shift_,
            decay,
            adapts,
            follows ? Follow() : Followers{}};
  }

 private:
  Array Make(uint64_t seed) const { return Array::Normal(count_ + shift_, seed); }

  int64_t count_, shift_;

 public:
  Array parameter, gradient, first, second, average, rounded;
};

inline std::vector<OptimizedTensor> OptimizedTensors() {
  std::vector<OptimizedTensor> tensors;
  for (const int64_t size : TensorSizes()) tensors.emplace_back(size, 10 * tensors.size());
  return tensors;
}

// Decay and adaptation alternate, and not all have followers.
inline float DecayOf(size_t i) { return i % 2 == 0 ? 0.1f : 0.0f; }
inline bool AdaptsOf(size_t i) { return i % 4 < 2; }
inline bool FollowsOf(size_t i) { return i % 5 != 2; }

inline std::vector<AdamWTensor> AdamWTensors(std::vector<OptimizedTensor>& tensors) {
  std::vector<AdamWTensor> out;
  for (size_t i = 0; i < tensors.size(); ++i) {
    out.push_back(tensors[i].ForAdamW(DecayOf(i), FollowsOf(i)));
  }
  return out;
}

inline std::vector<MomentumTensor> MomentumTensors(std::vector<OptimizedTensor>& tensors) {
  std::vector<MomentumTensor> out;
  for (size_t i = 0; i < tensors.size(); ++i) {
    out.push_back(tensors[i].ForMomentum(DecayOf(i), AdaptsOf(i), FollowsOf(i)));
  }
  return out;
}

inline std::vector<AverageTensor> AverageTensors(std::vector<OptimizedTensor>& tensors) {
  std::vector<AverageTensor> out;
  for (OptimizedTensor& tensor : tensors) {
    out.push_back({tensor.count(), tensor.ForAdamW(0, false).parameter, tensor.Follow().average});
  }
  return out;
}

}  // namespace ocellus::kernels
