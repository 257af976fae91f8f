#include "kernels/cuda/reduce.h"
#include "kernels/depthwise.h"

namespace ocellus::kernels::cuda {
namespace {

constexpr int kBorder = kTapsAcross / 2;
constexpr int kOutputs = 4;  // of a row, a thread's
constexpr int kThreads = 128;
constexpr int kTile = 32;  // channels of a block that sums
constexpr int kRunners = kThreads / kTile;

__device__ inline int64_t RowsOf(const DepthwiseShape& shape) {
  return shape.images * shape.height;
}

template <class T>
__device__ float At(const DepthwiseShape& shape, const void* x, int64_t row, int64_t w, int64_t c) {
  if (w < 0 || w >= shape.width) return 0;
  return ToFloat(static_cast<const T*>(x)[(row * shape.width + w) * shape.channels + c]);
}

// Neighbouring threads have neighbouring channels.
template <class T>
__global__ void ForwardKernel(DepthwiseArgs args) {
  const DepthwiseShape& shape = args.shape;
  const int64_t runs = (shape.width + kOutputs - 1) / kOutputs;
  const int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const int64_t c = i % shape.channels, w = i / shape.channels % runs * kOutputs;
  const int64_t row = i / shape.channels / runs;
  if (row >= RowsOf(shape)) return;
  float sums[kOutputs];
  for (float& sum : sums) sum = args.bias ? args.bias[c] : 0.0f;
  for (int up = 0; up < kTapsAcross; ++up) {
    const int64_t h = row % shape.height + up - kBorder;
    if (h < 0 || h >= shape.height) continue;
    const int64_t input = row / shape.height * shape.height + h;
    float weight[kTapsAcross];
    for (int j = 0; j < kTapsAcross; ++j) {
      weight[j] = args.weight[(up * kTapsAcross + j) * shape.channels + c];
    }
    for (int k = 0; k < kOutputs + kTapsAcross - 1; ++k) {
      const float x = At<T>(shape, args.x, input, w + k - kBorder, c);
      for (int o = 0; o < kOutputs; ++o) {
        if (k >= o && k - o < kTapsAcross) sums[o] += x * weight[k - o];
      }
    }
  }
  for (int o = 0; o < kOutputs && w + o < shape.width; ++o) {
    Assign(static_cast<T*>(args.y)[(row * shape.width + w + o) * shape.channels + c], sums[o]);
  }
}

// What one thread's rows say of a row of taps; `sums` also has the bias's at the end.
template <class T>
__device__ void AddRows(const DepthwiseWeightGradientArgs& args, int64_t begin, int64_t end, int up,
                        int64_t c, float* sums) {
  const DepthwiseShape& shape = args.shape;
  for (int64_t row = begin + threadIdx.x / kTile; row < end; row += kRunners) {
    const int64_t h = row % shape.height + up - kBorder;
    const bool inside = h >= 0 && h < shape.height;
    const int64_t input = row / shape.height * shape.height + h;
    float under[kTapsAcross];  // the input under each tap
    for (int j = 1; j < kTapsAcross; ++j) {
      under[j] = inside ? At<T>(shape, args.x, input, j - 1 - kBorder, c) : 0.0f;
    }
    for (int64_t w = 0; w < shape.width; ++w) {
      for (int j = 0; j + 1 < kTapsAcross; ++j) under[j] = under[j + 1];
      under[kTapsAcross - 1] = inside ? At<T>(shape, args.x, input, w + kBorder, c) : 0.0f;
      const float d_y = At<T>(shape, args.d_y, row, w, c);
      for (int j = 0; j < kTapsAcross; ++j) sums[j] += d_y * under[j];
      sums[kTapsAcross] += d_y;
    }
  }
}

// One block a part's rows and kTile channels.
template <class T>
__global__ void WeightGradientKernel(DepthwiseWeightGradientArgs args, int64_t parts) {
  float* shared = SharedArray<float, kThreads>();
  const int64_t channels = args.shape.channels, rows = RowsOf(args.shape);
  const int64_t part = blockIdx.x % parts;
  const int64_t begin = rows * part / parts, end = rows * (part + 1) / parts;
  const int64_t c = blockIdx.x / parts * kTile + threadIdx.x % kTile;
  float* partial = args.scratch + part * (kTaps + 1) * channels;
  for (int up = 0; up < kTapsAcross; ++up) {
    float sums[kTapsAcross + 1] = {};
    if (c < channels) AddRows<T>(args, begin, end, up, c, sums);
    const int last = up == kBorder ? kTapsAcross : kTapsAcross - 1;  // the bias once
    for (int j = 0; j <= last; ++j) {
      __syncthreads();
      shared[threadIdx.x] = sums[j];
      __syncthreads();
      if (threadIdx.x >= kTile || c >= channels) continue;
      float sum = 0;
      for (int runner = 0; runner < kRunners; ++runner) sum += shared[runner * kTile + threadIdx.x];
      partial[(j == kTapsAcross ? kTaps : up * kTapsAcross + j) * channels + c] = sum;
    }
  }
}

}  // namespace

void Depthwise(const DepthwiseArgs& args, void* stream) {
  const DepthwiseShape& shape = args.shape;
  const int64_t runs = (shape.width + kOutputs - 1) / kOutputs;
  const int64_t threads = shape.rows() * runs * shape.channels;
  if (threads == 0) return;
  const auto kernel =
      shape.type == Element::kBFloat16 ? ForwardKernel<__nv_bfloat16> : ForwardKernel<float>;
  OCELLUS_KERNEL_LAUNCH(kernel, dim3((threads + kThreads - 1) / kThreads), dim3(kThreads), 0,
                        stream, args);
  CheckLaunch("Depthwise");
}

void DepthwiseWeightGradient(const DepthwiseWeightGradientArgs& args, void* stream) {
  const DepthwiseShape& shape = args.shape;
  const int64_t parts = PartCount(shape.rows()), channels = shape.channels;
  if (channels == 0) return;
  const auto kernel = shape.type == Element::kBFloat16 ? WeightGradientKernel<__nv_bfloat16>
                                                       : WeightGradientKernel<float>;
  OCELLUS_KERNEL_LAUNCH(kernel, dim3(parts * ((channels + kTile - 1) / kTile)), dim3(kThreads), 0,
                        stream, args, parts);
  CheckLaunch("DepthwiseWeightGradient");
  const int64_t stride = (kTaps + 1) * channels;
  AddParts(args.scratch, parts, stride, kTaps * channels, args.d_weight, stream);
  AddParts(args.scratch + kTaps * channels, parts, stride, channels, args.d_bias, stream);
}

}  // namespace ocellus::kernels::cuda
