#include "kernels/channel_norm.h"
#include "kernels/cuda/reduce.h"

namespace ocellus::kernels::cuda {
namespace {

constexpr int kThreads = 128;

// One thread a channel and part of the rows; neighbouring threads read neighbouring channels.
struct Own {
  int64_t channel, begin, end;
};

__device__ inline Own OwnRows(const ChannelRows& shape) {
  const int64_t parts = gridDim.y, part = blockIdx.y;
  return {int64_t{blockIdx.x} * blockDim.x + threadIdx.x, shape.rows * part / parts,
          shape.rows * (part + 1) / parts};
}

template <class T>
__global__ void PartMomentsKernel(ChannelMomentsArgs args) {
  const Own own = OwnRows(args.shape);
  const int64_t channels = args.shape.channels;
  if (own.channel >= channels) return;
  const T* x = static_cast<const T*>(args.x) + own.channel;
  float sum = 0, squares = 0;
  for (int64_t i = own.begin; i < own.end; ++i) sum += ToFloat(x[i * channels]);
  const float mean = sum / (own.end - own.begin);
  for (int64_t i = own.begin; i < own.end; ++i) {
    const float deviation = ToFloat(x[i * channels]) - mean;
    squares += deviation * deviation;
  }
  float* part = args.scratch + 2 * int64_t{blockIdx.y} * channels + own.channel;
  part[0] = mean;
  part[channels] = squares;
}

__global__ void JoinMomentsKernel(ChannelMomentsArgs args, int64_t parts) {
  const int64_t channel = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const int64_t channels = args.shape.channels, rows = args.shape.rows;
  if (channel >= channels) return;
  float mean = 0, squares = 0;
  for (int64_t p = 0; p < parts; ++p) {
    const float count = rows * (p + 1) / parts - rows * p / parts;
    mean += args.scratch[2 * p * channels + channel] * (count / rows);
  }
  for (int64_t p = 0; p < parts; ++p) {
    const float count = rows * (p + 1) / parts - rows * p / parts;
    const float* part = args.scratch + 2 * p * channels + channel;
    squares += part[channels] + (part[0] - mean) * (part[0] - mean) * count;
  }
  args.mean[channel] = mean;
  args.variance[channel] = squares / rows;
}

template <class T>
__global__ void AffineKernel(ChannelAffineArgs args) {
  const Own own = OwnRows(args.shape);
  const int64_t channels = args.shape.channels;
  if (own.channel >= channels) return;
  const float scale = args.scale[own.channel], shift = args.shift[own.channel];
  for (int64_t i = own.begin; i < own.end; ++i) {
    const int64_t at = i * channels + own.channel;
    Assign(static_cast<T*>(args.y)[at], ToFloat(static_cast<const T*>(args.x)[at]) * scale + shift);
  }
}

template <class T>
__global__ void GradientSumsKernel(ChannelGradientSumsArgs args) {
  const Own own = OwnRows(args.shape);
  const int64_t channels = args.shape.channels;
  if (own.channel >= channels) return;
  const float mean = args.mean[own.channel], rstd = args.rstd[own.channel];
  float sum = 0, sum_x = 0;
  for (int64_t i = own.begin; i < own.end; ++i) {
    const int64_t at = i * channels + own.channel;
    const float gradient = ToFloat(static_cast<const T*>(args.d_y)[at]);
    sum += gradient;
    sum_x += gradient * ((ToFloat(static_cast<const T*>(args.x)[at]) - mean) * rstd);
  }
  float* part = args.scratch + 2 * int64_t{blockIdx.y} * channels + own.channel;
  part[0] = sum;
  part[channels] = sum_x;
}

template <class T>
__global__ void GradientKernel(ChannelGradientArgs args) {
  const Own own = OwnRows(args.shape);
  const int64_t channels = args.shape.channels;
  if (own.channel >= channels) return;
  const float of_d_y = args.of_d_y[own.channel], of_x = args.of_x[own.channel];
  const float mean_d_y = args.mean_d_y[own.channel], mean = args.mean[own.channel];
  for (int64_t i = own.begin; i < own.end; ++i) {
    const int64_t at = i * channels + own.channel;
    const float d_y = ToFloat(static_cast<const T*>(args.d_y)[at]);
    const float x = ToFloat(static_cast<const T*>(args.x)[at]);
    Assign(static_cast<T*>(args.d_x)[at], (d_y - mean_d_y) * of_d_y + (x - mean) * of_x);
  }
}

template <class Args>
void Launch(void (*of_bf16)(Args), void (*of_fp32)(Args), const Args& args, void* stream) {
  const ChannelRows& shape = args.shape;
  if (shape.rows == 0 || shape.channels == 0) return;
  const dim3 grid((shape.channels + kThreads - 1) / kThreads, PartCount(shape.rows));
  const auto kernel = shape.type == Element::kBFloat16 ? of_bf16 : of_fp32;
  OCELLUS_KERNEL_LAUNCH(kernel, grid, dim3(kThreads), 0, stream, args);
  CheckLaunch("ChannelNorm");
}

}  // namespace

void ChannelMoments(const ChannelMomentsArgs& args, void* stream) {
  Launch(PartMomentsKernel<__nv_bfloat16>, PartMomentsKernel<float>, args, stream);
  const int64_t blocks = (args.shape.channels + kThreads - 1) / kThreads;
  const int64_t parts = PartCount(args.shape.rows);
  if (args.shape.rows == 0 || blocks == 0) return;
  OCELLUS_KERNEL_LAUNCH(JoinMomentsKernel, dim3(blocks), dim3(kThreads), 0, stream, args, parts);
  CheckLaunch("ChannelMoments");
}

void ChannelAffine(const ChannelAffineArgs& args, void* stream) {
  Launch(AffineKernel<__nv_bfloat16>, AffineKernel<float>, args, stream);
}

void ChannelGradientSums(const ChannelGradientSumsArgs& args, void* stream) {
  Launch(GradientSumsKernel<__nv_bfloat16>, GradientSumsKernel<float>, args, stream);
  const int64_t channels = args.shape.channels, parts = PartCount(args.shape.rows);
  if (args.shape.rows == 0 || channels == 0) return;
  AddParts(args.scratch, parts, 2 * channels, channels, args.sum, stream);
  AddParts(args.scratch + channels, parts, 2 * channels, channels, args.sum_x, stream);
}

void ChannelGradient(const ChannelGradientArgs& args, void* stream) {
  Launch(GradientKernel<__nv_bfloat16>, GradientKernel<float>, args, stream);
}

}  // namespace ocellus::kernels::cuda
