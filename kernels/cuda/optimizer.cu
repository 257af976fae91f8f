#include <cmath>

#include "kernels/cuda/reduce.h"
#include "kernels/cuda/tensor_batch.h"
#include "kernels/optimizer.h"

namespace ocellus::kernels::cuda {
namespace {

constexpr int kThreads = 256;

// The number of this update, counted, by one thread of the launch that comes first.
__device__ int64_t Count(int64_t* updates, const float* clip_factor) {
  if (!IsRefused(clip_factor)) ++*updates;
  return *updates;
}

struct AdamWNumbers {
  float new_first, old_second, new_second, eps;
  const float* clip_factor;
  const float* now;  // rate, rate over the first moment's correction, second's scale, average
};

__global__ void AdamWNumbersKernel(const StepNumbers* numbers, int64_t* updates, double beta1,
                                   double beta2, const float* clip_factor, float* now) {
  const auto t = static_cast<double>(Count(updates, clip_factor));
  now[0] = static_cast<float>(numbers->rate);
  now[1] = static_cast<float>(numbers->rate / (1 - pow(beta1, t)));
  now[2] = static_cast<float>(1 / sqrt(1 - pow(beta2, t)));
  now[3] = NewAverage(numbers);
}

template <int kCount>
__device__ void AdamWPiece(const AdamWTensor& tensor, const AdamWNumbers& n, const Piece& piece) {
  const float keep = 1 - n.now[0] * tensor.decay, clip = FactorOf(n.clip_factor);
  const float size = n.now[1], second_scale = n.now[2], average = n.now[3];
  for (int64_t i = piece.begin + int64_t{threadIdx.x} * kCount; i < piece.end;
       i += int64_t{blockDim.x} * kCount) {
    const Pack<float, kCount> gradient = LoadPack<kCount>(tensor.gradient + i);
    Pack<float, kCount> parameter = LoadPack<kCount>(tensor.parameter + i);
    Pack<float, kCount> first = LoadPack<kCount>(tensor.first_moment + i);
    Pack<float, kCount> second = LoadPack<kCount>(tensor.second_moment + i);
    for (int k = 0; k < kCount; ++k) {
      const float g = gradient.values[k] * clip;
      first.values[k] += (g - first.values[k]) * n.new_first;
      second.values[k] = second.values[k] * n.old_second + g * g * n.new_second;
      const float root = sqrtf(second.values[k]) * second_scale + n.eps;
      parameter.values[k] = parameter.values[k] * keep - size * first.values[k] / root;
    }
    StorePack<kCount>(tensor.first_moment + i, first);
    StorePack<kCount>(tensor.second_moment + i, second);
    StorePack<kCount>(tensor.parameter + i, parameter);
    Follow<kCount>(tensor.followers, parameter, average, i);
  }
}

__global__ void AdamWKernel(Batch<AdamWTensor> batch, AdamWNumbers numbers) {
  if (IsRefused(numbers.clip_factor)) return;
  const Piece piece = OwnPiece(batch);
  const AdamWTensor& tensor = batch.tensors[piece.tensor];
  batch.packs[piece.tensor] ? AdamWPiece<kPack>(tensor, numbers, piece)
                            : AdamWPiece<1>(tensor, numbers, piece);
}

struct MomentumNumbers {
  float momentum, trust;
  bool rate_inside, nesterov;
  const StepNumbers* now;
  const float* clip_factor;
  float* squares;  // [2 * pieces]
  float* factors;  // [tensors]
};

__global__ void CountKernel(int64_t* updates, const float* clip_factor) {
  Count(updates, clip_factor);
}

// Squares of the parameter and of its decayed gradient, by piece.
__global__ void MomentumSquaresKernel(Batch<MomentumTensor> batch, MomentumNumbers n) {
  Two* scratch = SharedArray<Two, kWarpsMax>();
  const Piece piece = OwnPiece(batch);
  const MomentumTensor& tensor = batch.tensors[piece.tensor];
  if (!tensor.adapts) return;
  const float clip = FactorOf(n.clip_factor);
  Two sums = {0, 0};
  for (int64_t i = piece.begin + threadIdx.x; i < piece.end; i += blockDim.x) {
    const float parameter = tensor.parameter[i];
    const float gradient = tensor.gradient[i] * clip + parameter * tensor.decay;
    sums.first += parameter * parameter;
    sums.second += gradient * gradient;
  }
  sums = BlockSum(sums, scratch);
  if (threadIdx.x == 0) {
    float* out = n.squares + 2 * (batch.pieces_before + blockIdx.x);
    out[0] = sums.first;
    out[1] = sums.second;
  }
}

// One block a tensor.
__global__ void TrustKernel(Batch<MomentumTensor> batch, MomentumNumbers n) {
  Two* scratch = SharedArray<Two, kWarpsMax>();
  const int tensor = static_cast<int>(blockIdx.x);
  if (!batch.tensors[tensor].adapts) return;
  Two sums = {0, 0};
  for (int piece = batch.first_piece[tensor] + static_cast<int>(threadIdx.x);
       piece < batch.first_piece[tensor + 1]; piece += static_cast<int>(blockDim.x)) {
    const float* in = n.squares + 2 * (batch.pieces_before + piece);
    sums.first += in[0];
    sums.second += in[1];
  }
  sums = BlockSum(sums, scratch);
  if (threadIdx.x == 0) {
    const bool both = sums.first != 0 && sums.second != 0;
    n.factors[batch.tensors_before + tensor] =
        both ? n.trust * sqrtf(sums.first) / sqrtf(sums.second) : 1.0f;
  }
}

template <int kCount>
__device__ void MomentumPiece(const MomentumTensor& tensor, const MomentumNumbers& n, float factor,
                              const Piece& piece) {
  const float clip = FactorOf(n.clip_factor), average = NewAverage(n.now);
  const float outside = n.rate_inside ? 1.0f : static_cast<float>(n.now->rate);
  for (int64_t i = piece.begin + int64_t{threadIdx.x} * kCount; i < piece.end;
       i += int64_t{blockDim.x} * kCount) {
    const Pack<float, kCount> gradient = LoadPack<kCount>(tensor.gradient + i);
    Pack<float, kCount> parameter = LoadPack<kCount>(tensor.parameter + i);
    Pack<float, kCount> buffer = LoadPack<kCount>(tensor.buffer + i);
    for (int k = 0; k < kCount; ++k) {
      const float p = parameter.values[k];
      const float g = (gradient.values[k] * clip + p * tensor.decay) * factor;
      const float v = buffer.values[k] = buffer.values[k] * n.momentum + g;
      parameter.values[k] = p - outside * (n.nesterov ? g + v * n.momentum : v);
    }
    StorePack<kCount>(tensor.buffer + i, buffer);
    StorePack<kCount>(tensor.parameter + i, parameter);
    Follow<kCount>(tensor.followers, parameter, average, i);
  }
}

__global__ void MomentumKernel(Batch<MomentumTensor> batch, MomentumNumbers n) {
  if (IsRefused(n.clip_factor)) return;
  const Piece piece = OwnPiece(batch);
  const MomentumTensor& tensor = batch.tensors[piece.tensor];
  const float trust = tensor.adapts ? n.factors[batch.tensors_before + piece.tensor] : 1.0f;
  const float factor = trust * (n.rate_inside ? static_cast<float>(n.now->rate) : 1.0f);
  batch.packs[piece.tensor] ? MomentumPiece<kPack>(tensor, n, factor, piece)
                            : MomentumPiece<1>(tensor, n, factor, piece);
}

__global__ void SquaresKernel(Batch<GradientTensor> batch, float* squares) {
  Two* scratch = SharedArray<Two, kWarpsMax>();
  const Piece piece = OwnPiece(batch);
  const float* gradient = batch.tensors[piece.tensor].gradient;
  float sum = 0;
  for (int64_t i = piece.begin + threadIdx.x; i < piece.end; i += blockDim.x) {
    sum += gradient[i] * gradient[i];
  }
  sum = BlockSum(sum, scratch);
  if (threadIdx.x == 0) squares[batch.pieces_before + blockIdx.x] = sum;
}

__global__ void NormKernel(const float* squares, int64_t pieces, float limit, float* norm,
                           float* factor) {
  Two* scratch = SharedArray<Two, kWarpsMax>();
  float sum = 0;
  for (int64_t i = threadIdx.x; i < pieces; i += blockDim.x) sum += squares[i];
  sum = sqrtf(BlockSum(sum, scratch));
  if (threadIdx.x == 0) {
    *norm = sum;
    const float wanted = limit / (sum + 1e-6f);
    if (factor) *factor = wanted > 1.0f ? 1.0f : wanted;  // NaN stays
  }
}

}  // namespace

void AdamW(const AdamWArgs& args, void* stream) {
  const auto as_float = [](double x) { return static_cast<float>(x); };
  const AdamWNumbers numbers{as_float(1 - args.beta1), as_float(args.beta2),
                             as_float(1 - args.beta2), as_float(args.eps),
                             args.clip_factor,         args.scratch};
  OCELLUS_KERNEL_LAUNCH(AdamWNumbersKernel, dim3(1), dim3(1), 0, stream, args.numbers, args.updates,
                        args.beta1, args.beta2, args.clip_factor, args.scratch);
  CheckLaunch("AdamWNumbers");
  ForEachBatch(args.tensors, args.size, [&](const Batch<AdamWTensor>& batch, int pieces) {
    OCELLUS_KERNEL_LAUNCH(AdamWKernel, dim3(pieces), dim3(kThreads), 0, stream, batch, numbers);
    CheckLaunch("AdamW");
  });
}

void Momentum(const MomentumArgs& args, void* stream) {
  const int64_t pieces = PieceCount(args.tensors, args.size);
  const MomentumNumbers numbers{static_cast<float>(args.momentum),
                                static_cast<float>(args.trust),
                                args.rate_inside,
                                args.nesterov,
                                args.numbers,
                                args.clip_factor,
                                args.scratch,
                                args.scratch + 4 * pieces};
  OCELLUS_KERNEL_LAUNCH(CountKernel, dim3(1), dim3(1), 0, stream, args.updates, args.clip_factor);
  CheckLaunch("Count");
  ForEachBatch(args.tensors, args.size, [&](const Batch<MomentumTensor>& batch, int blocks) {
    OCELLUS_KERNEL_LAUNCH(MomentumSquaresKernel, dim3(blocks), dim3(kThreads), 0, stream, batch,
                          numbers);
    OCELLUS_KERNEL_LAUNCH(TrustKernel, dim3(batch.size), dim3(kThreads), 0, stream, batch, numbers);
    OCELLUS_KERNEL_LAUNCH(MomentumKernel, dim3(blocks), dim3(kThreads), 0, stream, batch, numbers);
    CheckLaunch("Momentum");
  });
}

void GradientNorm(const GradientNormArgs& args, void* stream) {
  ForEachBatch(args.tensors, args.size, [&](const Batch<GradientTensor>& batch, int pieces) {
    OCELLUS_KERNEL_LAUNCH(SquaresKernel, dim3(pieces), dim3(kThreads), 0, stream, batch,
                          args.scratch);
    CheckLaunch("GradientSquares");
  });
  const int64_t pieces = PieceCount(args.tensors, args.size);
  OCELLUS_KERNEL_LAUNCH(NormKernel, dim3(1), dim3(1024), 0, stream, args.scratch, pieces,
                        static_cast<float>(args.limit), args.norm, args.factor);
  CheckLaunch("GradientNorm");
}

}  // namespace ocellus::kernels::cuda
