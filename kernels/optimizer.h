// Optimizers over many tensors in one pass over memory: the update, weight decay, the clipping
// factor, a bf16 copy of the parameters and their moving average, which otherwise are a pass each.
// And the size of a gradient, without a wait for its value.
//
// All tensors are dense, of fp32; computed in fp32, squares added up in fp64 on CPU. `tensors` is
// an array on the host, read before the functions return; what it points to is on the device, and
// so are `clip_factor`, norms and factors: CUDA functions only enqueue work on `stream`, in
// launches of up to kTensorsPerLaunch tensors. Tensors without elements are passed over.
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/partition.h"

namespace ocellus::kernels {

// What follows a parameter after its update, where not null.
struct Followers {
  BFloat16* rounded = nullptr;  // [count] the parameter in bf16
  float* average = nullptr;     // [count] average <- average + (1 - momentum) (p - average)
};

// What changes from one update to the next.
struct StepNumbers {
  double rate = 0;              // lr
  double average_momentum = 1;  // of Followers
};

// In both optimizers `numbers` [1] and `updates` [1] are where the tensors are, and are read when
// the work is done: a launch that was recorded takes what is there when it is repeated. `updates`
// counts the updates before this one, and with it afterwards. `clip_factor` [1] multiplies the
// gradient first (null: 1; NaN: the update is refused, and nothing changes).

// p <- p (1 - lr decay);  m <- m + (1 - b1) (g - m);  v <- b2 v + (1 - b2) g^2
// p <- p - lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps)         at update t = 1, 2, ...
struct AdamWTensor {
  int64_t count = 0;
  float* parameter = nullptr;
  const float* gradient = nullptr;
  float* first_moment = nullptr;
  float* second_moment = nullptr;
  float decay = 0;
  Followers followers;
};

struct AdamWArgs {
  const AdamWTensor* tensors = nullptr;
  int64_t size = 0;
  const StepNumbers* numbers = nullptr;
  int64_t* updates = nullptr;  // t - 1
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  const float* clip_factor = nullptr;
  float* scratch = nullptr;  // kAdamWScratch floats
};

// g <- g + decay p;  g <- g trust |p| / |g| where `adapts` (factor 1 where a norm is 0)
// v <- momentum v + g;  p <- p - lr v, or with `rate_inside`  v <- momentum v + lr g;  p <- p - v,
// or with `nesterov`  p <- p - lr (g + momentum v).
// With adapts everywhere this is LARS, with it nowhere SGD.
struct MomentumTensor {
  int64_t count = 0;
  float* parameter = nullptr;
  const float* gradient = nullptr;
  float* buffer = nullptr;
  float decay = 0;
  bool adapts = false;
  Followers followers;
};

struct MomentumArgs {
  const MomentumTensor* tensors = nullptr;
  int64_t size = 0;
  const StepNumbers* numbers = nullptr;
  int64_t* updates = nullptr;
  double momentum = 0;
  double trust = 0.001;
  bool rate_inside = false;
  bool nesterov = false;
  const float* clip_factor = nullptr;
  float* scratch = nullptr;  // MomentumScratch(...) floats
};

// average <- average + (1 - average_momentum) (p - average), of tensors that no update moves.
struct AverageTensor {
  int64_t count = 0;
  const float* parameter = nullptr;
  float* average = nullptr;
};

struct AverageArgs {
  const AverageTensor* tensors = nullptr;
  int64_t size = 0;
  const StepNumbers* numbers = nullptr;
};

// norm[0] = the L2 norm of all tensors together: NaN or infinite when an element is.
// factor[0] = min(1, limit / (norm + 1e-6)), where `factor` is not null.
struct GradientTensor {
  int64_t count = 0;
  const float* gradient = nullptr;
};

struct GradientNormArgs {
  const GradientTensor* tensors = nullptr;
  int64_t size = 0;
  double limit = 0;
  float* norm = nullptr;
  float* factor = nullptr;
  float* scratch = nullptr;  // GradientNormScratch(...) floats
};

// Tensors are cut into pieces of this many elements, whose sums are added in order.
constexpr int64_t kElementsPerPiece = int64_t{1} << 15;
constexpr int64_t kTensorsPerLaunch = 32;
constexpr int64_t kAdamWScratch = 4;

inline int64_t PieceCount(int64_t elements) {
  return (elements + kElementsPerPiece - 1) / kElementsPerPiece;
}

template <class Tensor>
int64_t PieceCount(const Tensor* tensors, int64_t size) {
  int64_t pieces = 0;
  for (int64_t i = 0; i < size; ++i) pieces += PieceCount(tensors[i].count);
  return pieces;
}

inline int64_t GradientNormScratch(const GradientTensor* tensors, int64_t size) {
  return 2 * PieceCount(tensors, size);
}

// Two sums a piece, and each tensor's factor.
inline int64_t MomentumScratch(const MomentumTensor* tensors, int64_t size) {
  return 4 * PieceCount(tensors, size) + size;
}

namespace cpu {
void AdamW(const AdamWArgs& args, const ParallelFor& parallel);
void Momentum(const MomentumArgs& args, const ParallelFor& parallel);
void Average(const AverageArgs& args, const ParallelFor& parallel);
void GradientNorm(const GradientNormArgs& args, const ParallelFor& parallel);
}  // namespace cpu

namespace cuda {
void AdamW(const AdamWArgs& args, void* stream);
void Momentum(const MomentumArgs& args, void* stream);
void Average(const AverageArgs& args, void* stream);
void GradientNorm(const GradientNormArgs& args, void* stream);
}  // namespace cuda

}  // namespace ocellus::kernels
