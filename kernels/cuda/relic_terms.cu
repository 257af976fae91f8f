#include "kernels/cuda/shifted_sum.h"
#include "kernels/relic_terms.h"

namespace ocellus::kernels::cuda {
namespace {

constexpr int kThreads = 128;

__device__ inline const float* RowOf(const EmbeddingRows& embeddings, int64_t i) {
  return embeddings.data + i * embeddings.stride;
}

// One warp a candidate.
__device__ void ChosenProducts(const RelicForwardArgs& args, int64_t i) {
  const RelicShape& shape = args.shape;
  const int64_t* chosen = shape.chosen + i * shape.candidates;
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const float *online = RowOf(args.online, i), *target = RowOf(args.target, i);
  for (int64_t c = warp; c < shape.candidates; c += blockDim.x / kWarp) {
    const float* other_target = RowOf(args.all_target, chosen[c]);
    const float* other_online = RowOf(args.all_online, chosen[c]);
    Two products{0, 0};
    for (int64_t j = lane; j < shape.width; j += kWarp) {
      products.first += online[j] * other_target[j];
      products.second += target[j] * other_online[j];
    }
    products = WarpSum(products);
    if (lane != 0) continue;
    args.log_p[i * shape.candidates + c] = products.first;
    args.log_q[i * shape.candidates + c] = products.second;
  }
  __syncthreads();
}

// Threads write what they read themselves.
__device__ void LogSoftmax(float* x, int64_t size, float scale, ShiftedSum* scratch) {
  ShiftedSum own = {-INFINITY, 0};
  for (int64_t j = threadIdx.x; j < size; j += blockDim.x) own = Merge(own, {x[j] * scale, 1});
  own = BlockMerge(own, scratch);
  const float shift = own.highest + logf(own.sum);
  for (int64_t j = threadIdx.x; j < size; j += blockDim.x) x[j] = x[j] * scale - shift;
}

__device__ inline int64_t OwnPlace(const RelicShape& shape, int64_t i) {
  return shape.chosen ? 0 : shape.own[i];
}

// One block an image.
__global__ void ForwardKernel(RelicForwardArgs args) {
  ShiftedSum* merges = SharedArray<ShiftedSum, kWarpsMax>();
  Two* scratch = SharedArray<Two, kWarpsMax>();
  const RelicShape& shape = args.shape;
  const int64_t i = blockIdx.x, size = shape.candidates, own = OwnPlace(shape, i);
  if (shape.chosen) ChosenProducts(args, i);
  float *log_p = args.log_p + i * size, *log_q = args.log_q + i * size;
  LogSoftmax(log_p, size, shape.scale, merges);
  LogSoftmax(log_q, size, shape.scale, merges);
  const bool teaches = shape.divergence == RelicDivergence::kSoftLabel;
  float kl = 0;
  for (int64_t j = threadIdx.x; j < size; j += blockDim.x) {
    const float a = teaches ? log_q[j] : log_p[j], b = teaches ? log_p[j] : log_q[j];
    kl += expf(a) * (a - b);
    if (j == own) args.likelihood[i] = log_p[j];
  }
  kl = BlockSum(kl, scratch);
  if (threadIdx.x == 0) args.kl[i] = kl;
}

// What of log p - log q has a gradient through p.
__device__ inline float LiveRatio(RelicDivergence divergence, float log_p, float log_q) {
  return divergence == RelicDivergence::kFull ? log_p - log_q : -log_q;
}

// One block an image.
__global__ void ProductGradientKernel(RelicBackwardArgs args) {
  Two* scratch = SharedArray<Two, kWarpsMax>();
  const RelicShape& shape = args.shape;
  const int64_t i = blockIdx.x, size = shape.candidates, begin = i * size;
  const float *log_p = args.log_p + begin, *log_q = args.log_q + begin;
  const bool teaches = shape.divergence == RelicDivergence::kSoftLabel;
  const float d_likelihood = args.d_likelihood[i] * shape.scale, d_kl = args.d_kl[i] * shape.scale;
  const int64_t own = OwnPlace(shape, i);
  float mean = 0;
  for (int64_t j = threadIdx.x; j < size && !teaches; j += blockDim.x) {
    mean += expf(log_p[j]) * LiveRatio(shape.divergence, log_p[j], log_q[j]);
  }
  mean = BlockSum(mean, scratch);
  for (int64_t j = threadIdx.x; j < size; j += blockDim.x) {
    const float p = expf(log_p[j]), q = expf(log_q[j]);
    const float of_kl =
        teaches ? p - q : p * (LiveRatio(shape.divergence, log_p[j], log_q[j]) - mean);
    args.d_p[begin + j] = of_kl * d_kl + ((j == own ? 1.0f : 0.0f) - p) * d_likelihood;
    if (args.d_q) args.d_q[begin + j] = teaches ? 0.0f : (q - p) * d_kl;
  }
  if (!shape.chosen) return;
  __syncthreads();  // d_p is there
  const int64_t* chosen = shape.chosen + begin;
  for (int64_t j = threadIdx.x; j < shape.width; j += blockDim.x) {
    float sum = 0;
    for (int64_t c = 0; c < size; ++c) {
      sum += args.d_p[begin + c] * RowOf(args.all_target, chosen[c])[j];
    }
    args.d_online[i * shape.width + j] = sum;
  }
}

// One block another's embedding.
__global__ void OtherGradientKernel(RelicBackwardArgs args) {
  const RelicShape& shape = args.shape;
  const int64_t k = blockIdx.x, end = args.first[k + 1];
  for (int64_t j = threadIdx.x; j < shape.width; j += blockDim.x) {
    float sum = 0;
    for (int64_t at = args.first[k]; at < end; ++at) {
      const int64_t place = args.places[at];
      sum += args.d_q[place] * RowOf(args.target, place / shape.candidates)[j];
    }
    args.d_all_online[k * shape.width + j] = sum;
  }
}

}  // namespace

void RelicForward(const RelicForwardArgs& args, void* stream) {
  if (args.shape.rows == 0) return;
  OCELLUS_KERNEL_LAUNCH(ForwardKernel, dim3(args.shape.rows), dim3(kThreads), 0, stream, args);
  CheckLaunch("RelicForward");
}

void RelicBackward(const RelicBackwardArgs& args, void* stream) {
  const RelicShape& shape = args.shape;
  if (shape.rows > 0) {
    OCELLUS_KERNEL_LAUNCH(ProductGradientKernel, dim3(shape.rows), dim3(kThreads), 0, stream, args);
    CheckLaunch("RelicBackward");
  }
  if (!shape.chosen || !args.d_q || args.others == 0) return;
  OCELLUS_KERNEL_LAUNCH(OtherGradientKernel, dim3(args.others), dim3(kThreads), 0, stream, args);
  CheckLaunch("RelicBackward");
}

}  // namespace ocellus::kernels::cuda
