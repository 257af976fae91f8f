#include "kernels/contrast.h"
#include "kernels/cuda/shifted_sum.h"

namespace ocellus::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kColumnThreads = 128;

struct Logits {
  const float* row;
  float scale, bias;

  __device__ Logits(const ContrastTile& tile, int64_t i)
      : row(tile.products + i * tile.columns),
        scale(*tile.scale),
        bias(tile.bias ? *tile.bias : 0.0f) {}
  __device__ float operator[](int64_t j) const { return row[j] * scale + bias; }
};

// One block a row.
__global__ void RowStatisticsKernel(ContrastStatisticsArgs args) {
  ShiftedSum* scratch = SharedArray<ShiftedSum, kWarpsMax>();
  const int64_t i = blockIdx.x;
  const Logits logits(args.tile, i);
  ShiftedSum own = {-INFINITY, 0};
  for (int64_t j = threadIdx.x; j < args.tile.columns; j += blockDim.x) {
    own = Merge(own, {logits[j], 1});
  }
  own = BlockMerge(own, scratch);
  if (threadIdx.x == 0) {
    args.row_lse[i] = own.highest + logf(own.sum);
    args.partner[i] = logits[args.tile.first + i];
  }
}

// One thread a column.
__global__ void ColumnStatisticsKernel(ContrastStatisticsArgs args) {
  const int64_t j = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (j >= args.tile.columns) return;
  ShiftedSum own = {args.column_max[j], args.column_sum[j]};
  for (int64_t i = 0; i < args.tile.rows; ++i) own = Merge(own, {Logits(args.tile, i)[j], 1});
  args.column_max[j] = own.highest;
  args.column_sum[j] = own.sum;
}

// One block a row.
__global__ void GradientKernel(ContrastGradientArgs args) {
  Two* scratch = SharedArray<Two, kWarpsMax>();
  const int64_t i = blockIdx.x, partner = args.tile.first + i;
  const Logits logits(args.tile, i);
  float* row = args.tile.products + i * args.tile.columns;
  const float row_lse = args.row_lse[i], own = args.column_lse ? 2.0f : 1.0f;
  float d_scale = 0;
  for (int64_t j = threadIdx.x; j < args.tile.columns; j += blockDim.x) {
    const float product = row[j], logit = logits[j];
    float d = expf(logit - row_lse);
    if (args.column_lse) d += expf(logit - args.column_lse[j]);
    if (j == partner) d -= own;
    d_scale += d * product;
    row[j] = d;
  }
  d_scale = BlockSum(d_scale, scratch);
  if (threadIdx.x == 0) args.d_scale[i] = d_scale;
}

__global__ void SigmoidKernel(SigmoidContrastArgs args) {
  Two* scratch = SharedArray<Two, kWarpsMax>();
  const int64_t i = blockIdx.x, partner = args.tile.first + i;
  const Logits logits(args.tile, i);
  float* row = args.tile.products + i * args.tile.columns;
  float loss = 0, d_scale = 0, d_bias = 0;
  for (int64_t j = threadIdx.x; j < args.tile.columns; j += blockDim.x) {
    const float product = row[j], logit = logits[j], small = expf(-fabsf(logit));
    float d = (logit < 0 ? small : 1.0f) / (1.0f + small);
    loss += fmaxf(logit, 0.0f) + log1pf(small);
    if (j == partner) {
      d -= 1.0f;
      loss -= logit;
    }
    d_scale += d * product;
    d_bias += d;
    row[j] = d;
  }
  loss = BlockSum(loss, scratch);
  const Two gradients = BlockSum(Two{d_scale, d_bias}, scratch);
  if (threadIdx.x == 0) {
    args.loss[i] = loss;
    args.d_scale[i] = gradients.first;
    args.d_bias[i] = gradients.second;
  }
}

}  // namespace

void ContrastStatistics(const ContrastStatisticsArgs& args, void* stream) {
  if (args.tile.rows == 0) return;
  OCELLUS_KERNEL_LAUNCH(RowStatisticsKernel, dim3(args.tile.rows), dim3(kThreads), 0, stream, args);
  CheckLaunch("ContrastStatistics");
  if (!args.column_max) return;
  const int64_t blocks = (args.tile.columns + kColumnThreads - 1) / kColumnThreads;
  OCELLUS_KERNEL_LAUNCH(ColumnStatisticsKernel, dim3(blocks), dim3(kColumnThreads), 0, stream,
                        args);
  CheckLaunch("ContrastStatistics");
}

void ContrastGradient(const ContrastGradientArgs& args, void* stream) {
  if (args.tile.rows == 0) return;
  OCELLUS_KERNEL_LAUNCH(GradientKernel, dim3(args.tile.rows), dim3(kThreads), 0, stream, args);
  CheckLaunch("ContrastGradient");
}

void SigmoidContrast(const SigmoidContrastArgs& args, void* stream) {
  if (args.tile.rows == 0) return;
  OCELLUS_KERNEL_LAUNCH(SigmoidKernel, dim3(args.tile.rows), dim3(kThreads), 0, stream, args);
  CheckLaunch("SigmoidContrast");
}

}  // namespace ocellus::kernels::cuda
