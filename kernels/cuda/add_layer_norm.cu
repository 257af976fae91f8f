#include "kernels/add_layer_norm.h"
#include "kernels/cuda/reduce.h"

namespace ocellus::kernels::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int64_t kWidthMax = 5 * 1024;  // two rows of floats in 48 KiB of shared memory

// One block a row. The row of sums stays in shared memory between the passes.
template <int kPack, class Branch, class Out>
__global__ void ForwardKernel(AddLayerNormForwardArgs args) {
  Two* scratch = SharedArray<Two, kWarpsMax>();
  float* row = DynamicShared<float>();
  const int64_t width = args.width, at = blockIdx.x * width;
  const Branch* branch = static_cast<const Branch*>(args.branch);
  float sum = 0;
  for (int64_t j = threadIdx.x * kPack; j < width; j += blockDim.x * kPack) {
    Pack<float, kPack> x = LoadPack<kPack>(args.residual + at + j);
    if (branch) {
      const Pack<Branch, kPack> b = LoadPack<kPack>(branch + at + j);
      for (int i = 0; i < kPack; ++i) x.values[i] += ToFloat(b.values[i]);
      StorePack<kPack>(args.sum + at + j, x);
    }
    StorePack<kPack>(row + j, x);
    for (int i = 0; i < kPack; ++i) sum += x.values[i];
  }
  const float mean = BlockSum(sum, scratch) / width;

  float squares = 0;  // each thread reads what it wrote
  for (int64_t j = threadIdx.x * kPack; j < width; j += blockDim.x * kPack) {
    for (int i = 0; i < kPack; ++i) squares += (row[j + i] - mean) * (row[j + i] - mean);
  }
  const float rstd = 1.0f / sqrtf(BlockSum(squares, scratch) / width + args.eps);

  Out* out = static_cast<Out*>(args.out) + at;
  for (int64_t j = threadIdx.x * kPack; j < width; j += blockDim.x * kPack) {
    const Pack<float, kPack> weight = LoadPack<kPack>(args.weight + j);
    const Pack<float, kPack> bias = LoadPack<kPack>(args.bias + j);
    Pack<Out, kPack> y;
    for (int i = 0; i < kPack; ++i) {
      Assign(y.values[i], (row[j + i] - mean) * rstd * weight.values[i] + bias.values[i]);
    }
    StorePack<kPack>(out + j, y);
  }
  if (threadIdx.x == 0) {
    args.mean[blockIdx.x] = mean;
    args.rstd[blockIdx.x] = rstd;
  }
}

// One row's gradient; adds to the columns that this thread owns of d_weight and d_bias.
template <int kPack, class Out>
__device__ void BackwardRow(const AddLayerNormBackwardArgs& args, int64_t row, float* d_weight,
                            float* d_bias, Two* scratch) {
  const int64_t width = args.width, at = row * width;
  const Out* d_out = static_cast<const Out*>(args.d_out) + at;
  const float mean = args.mean[row], rstd = args.rstd[row];
  Two sums = {0, 0};  // of g and of g x^, in the notation of the CPU twin
  for (int64_t j = threadIdx.x * kPack; j < width; j += blockDim.x * kPack) {
    const Pack<Out, kPack> dy = LoadPack<kPack>(d_out + j);
    const Pack<float, kPack> x = LoadPack<kPack>(args.sum + at + j);
    const Pack<float, kPack> weight = LoadPack<kPack>(args.weight + j);
    for (int i = 0; i < kPack; ++i) {
      const float normed = (x.values[i] - mean) * rstd, dy_i = ToFloat(dy.values[i]);
      sums.first += dy_i * weight.values[i];
      sums.second += dy_i * weight.values[i] * normed;
      d_weight[j + i] += dy_i * normed;
      d_bias[j + i] += dy_i;
    }
  }
  sums = BlockSum(sums, scratch);
  const float mean_g = sums.first / width, mean_gx = sums.second / width;
  __nv_bfloat16* d_branch = static_cast<__nv_bfloat16*>(args.d_branch);
  for (int64_t j = threadIdx.x * kPack; j < width; j += blockDim.x * kPack) {
    const Pack<Out, kPack> dy = LoadPack<kPack>(d_out + j);
    const Pack<float, kPack> x = LoadPack<kPack>(args.sum + at + j);
    const Pack<float, kPack> weight = LoadPack<kPack>(args.weight + j);
    Pack<float, kPack> total = {};
    if (args.d_sum) total = LoadPack<kPack>(args.d_sum + at + j);
    Pack<__nv_bfloat16, kPack> rounded;
    for (int i = 0; i < kPack; ++i) {
      const float normed = (x.values[i] - mean) * rstd;
      const float g = ToFloat(dy.values[i]) * weight.values[i];
      total.values[i] += rstd * (g - mean_g - normed * mean_gx);
      Assign(rounded.values[i], total.values[i]);
    }
    StorePack<kPack>(args.d_total + at + j, total);
    if (d_branch) StorePack<kPack>(d_branch + at + j, rounded);
  }
}

// One block a part of the rows. Columns of d_weight and d_bias are owned by threads, so their sums
// need no barrier.
template <int kPack, class Out>
__global__ void BackwardKernel(AddLayerNormBackwardArgs args) {
  Two* scratch = SharedArray<Two, kWarpsMax>();
  const int64_t width = args.width, parts = gridDim.x, part = blockIdx.x;
  float* d_weight = DynamicShared<float>();
  float* d_bias = d_weight + width;
  for (int64_t j = threadIdx.x * kPack; j < width; j += blockDim.x * kPack) {
    for (int i = 0; i < kPack; ++i) d_weight[j + i] = d_bias[j + i] = 0;
  }
  const int64_t end = args.rows * (part + 1) / parts;
  for (int64_t row = args.rows * part / parts; row < end; ++row) {
    BackwardRow<kPack, Out>(args, row, d_weight, d_bias, scratch);
  }
  float* partial = args.scratch + part * 2 * width;
  for (int64_t j = threadIdx.x * kPack; j < width; j += blockDim.x * kPack) {
    for (int i = 0; i < kPack; ++i) {
      partial[j + i] = d_weight[j + i];
      partial[width + j + i] = d_bias[j + i];
    }
  }
}

void CheckWidth(int64_t width) {
  if (width > kWidthMax) {
    throw std::runtime_error("AddLayerNorm on CUDA takes rows of up to " +
                             std::to_string(kWidthMax) + " elements, not " + std::to_string(width));
  }
}

template <class Branch, class Out>
void Forward(const AddLayerNormForwardArgs& args, void* stream) {
  CheckWidth(args.width);
  if (args.rows == 0) return;
  const bool packs = CanPack(args.residual, args.width, 4) &&
                     CanPack(static_cast<const Branch*>(args.branch), args.width, 4) &&
                     CanPack(args.weight, args.width, 4) && CanPack(args.bias, args.width, 4) &&
                     CanPack(args.sum, args.width, 4) &&
                     CanPack(static_cast<const Out*>(args.out), args.width, 4);
  const auto kernel = packs ? ForwardKernel<4, Branch, Out> : ForwardKernel<1, Branch, Out>;
  OCELLUS_KERNEL_LAUNCH(kernel, dim3(args.rows), dim3(kThreads), args.width * sizeof(float), stream,
                        args);
  CheckLaunch("AddLayerNormForward");
}

template <class Out>
void Backward(const AddLayerNormBackwardArgs& args, void* stream) {
  CheckWidth(args.width);
  const int64_t width = args.width, parts = PartCount(args.rows);
  const bool packs = CanPack(args.sum, width, 4) && CanPack(args.weight, width, 4) &&
                     CanPack(static_cast<const Out*>(args.d_out), width, 4) &&
                     CanPack(args.d_sum, width, 4) && CanPack(args.d_total, width, 4) &&
                     CanPack(static_cast<const __nv_bfloat16*>(args.d_branch), width, 4);
  const auto kernel = packs ? BackwardKernel<4, Out> : BackwardKernel<1, Out>;
  OCELLUS_KERNEL_LAUNCH(kernel, dim3(parts), dim3(kThreads), 2 * width * sizeof(float), stream,
                        args);
  CheckLaunch("AddLayerNormBackward");
  AddParts(args.scratch, parts, 2 * width, width, args.d_weight, stream);
  AddParts(args.scratch + width, parts, 2 * width, width, args.d_bias, stream);
}

}  // namespace

void AddLayerNormForward(const AddLayerNormForwardArgs& args, void* stream) {
  const bool branch = args.branch_type == Element::kBFloat16;
  const bool out = args.out_type == Element::kBFloat16;
  if (branch && out) return Forward<__nv_bfloat16, __nv_bfloat16>(args, stream);
  if (branch) return Forward<__nv_bfloat16, float>(args, stream);
  if (out) return Forward<float, __nv_bfloat16>(args, stream);
  Forward<float, float>(args, stream);
}

void AddLayerNormBackward(const AddLayerNormBackwardArgs& args, void* stream) {
  if (args.out_type == Element::kBFloat16) return Backward<__nv_bfloat16>(args, stream);
  Backward<float>(args, stream);
}

}  // namespace ocellus::kernels::cuda
