#include "kernels/cuda/reduce.h"
#include "kernels/response_norm.h"

namespace ocellus::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kTile = 32;  // channels of a block that sums
constexpr int kRows = kThreads / kTile;

// Which image and channels a block has: blocks of an image are neighbours.
struct Tile {
  int64_t image, channel;
  bool inside;
  __device__ explicit Tile(const ResponseShape& shape) {
    const int64_t tiles = (shape.channels + kTile - 1) / kTile;
    image = blockIdx.x / tiles;
    channel = blockIdx.x % tiles * kTile + threadIdx.x % kTile;
    inside = channel < shape.channels;
  }
};

inline int64_t TileBlocks(const ResponseShape& shape) {
  return shape.images * ((shape.channels + kTile - 1) / kTile);
}

// Adds up the threads of one channel; the result is with the first kTile threads.
__device__ Two ChannelSum(Two own, Two* scratch) {
  scratch[threadIdx.x] = own;
  __syncthreads();
  Two sum{0, 0};
  if (threadIdx.x < kTile) {
    for (int row = 0; row < kRows; ++row) {
      sum.first += scratch[row * kTile + threadIdx.x].first;
      sum.second += scratch[row * kTile + threadIdx.x].second;
    }
  }
  return sum;
}

template <class T>
__global__ void LengthKernel(ResponseNormForwardArgs args) {
  Two* scratch = SharedArray<Two, kThreads>();
  const ResponseShape& shape = args.shape;
  const Tile tile(shape);
  const T* x = static_cast<const T*>(args.x) + tile.image * shape.positions * shape.channels;
  Two own{0, 0};
  for (int64_t p = threadIdx.x / kTile; p < shape.positions && tile.inside; p += kRows) {
    const float value = ToFloat(x[p * shape.channels + tile.channel]);
    own.first += value * value;
  }
  own = ChannelSum(own, scratch);
  if (threadIdx.x >= kTile || !tile.inside) return;
  args.length[tile.image * shape.channels + tile.channel] = sqrtf(own.first);
}

// One block an image.
__global__ void MeanKernel(ResponseNormForwardArgs args) {
  Two* scratch = SharedArray<Two, kWarpsMax>();
  const int64_t channels = args.shape.channels;
  float sum = 0;
  for (int64_t c = threadIdx.x; c < channels; c += blockDim.x) {
    sum += args.length[blockIdx.x * channels + c];
  }
  sum = BlockSum(sum, scratch);
  if (threadIdx.x == 0) {
    args.mean[blockIdx.x] = sum / static_cast<float>(channels) + args.shape.eps;
  }
}

template <class T>
__global__ void ForwardKernel(ResponseNormForwardArgs args) {
  const ResponseShape& shape = args.shape;
  const int64_t of_image = shape.positions * shape.channels;
  const int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= shape.images * of_image) return;
  const int64_t image = i / of_image, c = i % shape.channels;
  const float response = args.length[image * shape.channels + c] / args.mean[image];
  const float x = ToFloat(static_cast<const T*>(args.x)[i]);
  Assign(static_cast<T*>(args.y)[i], x * (args.gamma[c] * response + 1.0f) + args.beta[c]);
}

// scratch[image, 0, c] = sum over positions of d_y x, scratch[image, 1, c] of d_y.
template <class T>
__global__ void GradientSumKernel(ResponseNormBackwardArgs args) {
  Two* scratch = SharedArray<Two, kThreads>();
  const ResponseShape& shape = args.shape;
  const Tile tile(shape);
  const int64_t begin = tile.image * shape.positions * shape.channels;
  Two own{0, 0};
  for (int64_t p = threadIdx.x / kTile; p < shape.positions && tile.inside; p += kRows) {
    const int64_t at = begin + p * shape.channels + tile.channel;
    const float d_y = ToFloat(static_cast<const T*>(args.d_y)[at]);
    own.first += d_y * ToFloat(static_cast<const T*>(args.x)[at]);
    own.second += d_y;
  }
  own = ChannelSum(own, scratch);
  if (threadIdx.x >= kTile || !tile.inside) return;
  float* sums = args.scratch + 2 * tile.image * shape.channels + tile.channel;
  sums[0] = own.first;
  sums[shape.channels] = own.second;
}

// One thread a channel, over images in order.
__global__ void ParameterGradientKernel(ResponseNormBackwardArgs args) {
  const int64_t channels = args.shape.channels;
  const int64_t c = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (c >= channels) return;
  float d_gamma = 0, d_beta = 0;
  for (int64_t n = 0; n < args.shape.images; ++n) {
    const float* sums = args.scratch + 2 * n * channels + c;
    d_gamma += sums[0] * (args.length[n * channels + c] / args.mean[n]);
    d_beta += sums[channels];
  }
  args.d_gamma[c] = d_gamma;
  args.d_beta[c] = d_beta;
}

// One block an image: its sums of d_y x become what x counts times in d_x.
__global__ void CoefficientKernel(ResponseNormBackwardArgs args) {
  Two* scratch = SharedArray<Two, kWarpsMax>();
  const int64_t channels = args.shape.channels, n = blockIdx.x;
  const float* length = args.length + n * channels;
  float* sums = args.scratch + 2 * n * channels;
  const float mean = args.mean[n];
  float shared = 0;
  for (int64_t c = threadIdx.x; c < channels; c += blockDim.x) {
    shared += args.gamma[c] * sums[c] * length[c];
  }
  shared = BlockSum(shared, scratch) / (mean * mean * static_cast<float>(channels));
  for (int64_t c = threadIdx.x; c < channels; c += blockDim.x) {
    const float d_length = args.gamma[c] * sums[c] / mean - shared;
    sums[c] = length[c] > 0 ? d_length / length[c] : 0.0f;
  }
}

template <class T>
__global__ void BackwardKernel(ResponseNormBackwardArgs args) {
  const ResponseShape& shape = args.shape;
  const int64_t of_image = shape.positions * shape.channels;
  const int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= shape.images * of_image) return;
  const int64_t image = i / of_image, c = i % shape.channels;
  const float response = args.length[image * shape.channels + c] / args.mean[image];
  const float of_x = args.scratch[2 * image * shape.channels + c];
  Assign(static_cast<T*>(args.d_x)[i],
         ToFloat(static_cast<const T*>(args.d_y)[i]) * (args.gamma[c] * response + 1.0f) +
             ToFloat(static_cast<const T*>(args.x)[i]) * of_x);
}

int64_t ElementBlocks(const ResponseShape& shape) {
  return (shape.images * shape.positions * shape.channels + kThreads - 1) / kThreads;
}

template <class T>
void Forward(const ResponseNormForwardArgs& args, void* stream) {
  const ResponseShape& shape = args.shape;
  OCELLUS_KERNEL_LAUNCH(LengthKernel<T>, dim3(TileBlocks(shape)), dim3(kThreads), 0, stream, args);
  OCELLUS_KERNEL_LAUNCH(MeanKernel, dim3(shape.images), dim3(kThreads), 0, stream, args);
  OCELLUS_KERNEL_LAUNCH(ForwardKernel<T>, dim3(ElementBlocks(shape)), dim3(kThreads), 0, stream,
                        args);
  CheckLaunch("ResponseNormForward");
}

template <class T>
void Backward(const ResponseNormBackwardArgs& args, void* stream) {
  const ResponseShape& shape = args.shape;
  const dim3 threads(kThreads);
  OCELLUS_KERNEL_LAUNCH(GradientSumKernel<T>, dim3(TileBlocks(shape)), threads, 0, stream, args);
  OCELLUS_KERNEL_LAUNCH(ParameterGradientKernel, dim3((shape.channels + kThreads - 1) / kThreads),
                        threads, 0, stream, args);
  OCELLUS_KERNEL_LAUNCH(CoefficientKernel, dim3(shape.images), threads, 0, stream, args);
  OCELLUS_KERNEL_LAUNCH(BackwardKernel<T>, dim3(ElementBlocks(shape)), threads, 0, stream, args);
  CheckLaunch("ResponseNormBackward");
}

bool Empty(const ResponseShape& shape) {
  return shape.images == 0 || shape.positions == 0 || shape.channels == 0;
}

}  // namespace

void ResponseNormForward(const ResponseNormForwardArgs& args, void* stream) {
  if (Empty(args.shape)) return;
  const bool bf16 = args.shape.type == Element::kBFloat16;
  bf16 ? Forward<__nv_bfloat16>(args, stream) : Forward<float>(args, stream);
}

void ResponseNormBackward(const ResponseNormBackwardArgs& args, void* stream) {
  if (Empty(args.shape)) return;
  const bool bf16 = args.shape.type == Element::kBFloat16;
  bf16 ? Backward<__nv_bfloat16>(args, stream) : Backward<float>(args, stream);
}

}  // namespace ocellus::kernels::cuda
