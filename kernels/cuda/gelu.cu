#include <algorithm>

#include "kernels/cuda/reduce.h"
#include "kernels/gelu.h"

namespace ocellus::kernels::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int64_t kBlocksMax = 132 * 16;

// Phi(x) without cancellation in the negative tail.
__device__ inline float NormalBelow(float x) { return 0.5f * erfcf(-0.70710678118654752f * x); }

__device__ inline float NormalDensity(float x) {
  return 0.39894228040143268f * expf(-0.5f * x * x);
}

template <int kPack, class T>
__global__ void ForwardKernel(const T* z, T* y, int64_t packs) {
  const int64_t step = int64_t{gridDim.x} * blockDim.x;
  for (int64_t i = int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < packs; i += step) {
    Pack<T, kPack> pack = LoadPack<kPack>(z + i * kPack);
    for (T& value : pack.values) {
      const float x = ToFloat(value);
      Assign(value, x * NormalBelow(x));
    }
    StorePack<kPack>(y + i * kPack, pack);
  }
}

// Block (column tile, part): each thread owns kPack columns and walks down the part's rows.
template <int kPack, class T>
__global__ void BackwardKernel(const T* z, const T* d_y, T* d_z, int64_t rows, int64_t width,
                               float* partial) {
  const int64_t column = (int64_t{blockIdx.x} * blockDim.x + threadIdx.x) * kPack;
  if (column >= width) return;
  const int64_t parts = gridDim.y, part = blockIdx.y;
  const int64_t begin = rows * part / parts, end = rows * (part + 1) / parts;
  float sum[kPack] = {};
  for (int64_t row = begin; row < end; ++row) {
    const int64_t at = row * width + column;
    const Pack<T, kPack> inputs = LoadPack<kPack>(z + at);
    Pack<T, kPack> gradients = LoadPack<kPack>(d_y + at);
    for (int i = 0; i < kPack; ++i) {
      const float x = ToFloat(inputs.values[i]);
      const float d_z_i = ToFloat(gradients.values[i]) * (NormalBelow(x) + x * NormalDensity(x));
      sum[i] += d_z_i;
      Assign(gradients.values[i], d_z_i);
    }
    StorePack<kPack>(d_z + at, gradients);
  }
  for (int i = 0; i < kPack; ++i) partial[part * width + column + i] = sum[i];
}

template <int kPack, class T>
void LaunchForward(const GeluForwardArgs& args, void* stream) {
  const int64_t packs = args.rows * args.width / kPack;
  if (packs == 0) return;
  const int64_t blocks = std::min((packs + kThreads - 1) / kThreads, kBlocksMax);
  const auto kernel = ForwardKernel<kPack, T>;
  OCELLUS_KERNEL_LAUNCH(kernel, dim3(blocks), dim3(kThreads), 0, stream,
                        static_cast<const T*>(args.z), static_cast<T*>(args.y), packs);
  CheckLaunch("GeluForward");
}

template <int kPack, class T>
void LaunchBackward(const GeluBackwardArgs& args, void* stream) {
  const int64_t parts = PartCount(args.rows), tile = int64_t{kThreads} * kPack;
  const auto kernel = BackwardKernel<kPack, T>;
  OCELLUS_KERNEL_LAUNCH(kernel, dim3((args.width + tile - 1) / tile, parts), dim3(kThreads), 0,
                        stream, static_cast<const T*>(args.z), static_cast<const T*>(args.d_y),
                        static_cast<T*>(args.d_z), args.rows, args.width, args.scratch);
  CheckLaunch("GeluBackward");
  AddParts(args.scratch, parts, args.width, args.width, args.d_bias, stream);
}

template <class T>
void Forward(const GeluForwardArgs& args, void* stream) {
  constexpr int kPack = 16 / sizeof(T);
  const bool packs = CanPack(static_cast<const T*>(args.z), args.rows * args.width, kPack) &&
                     CanPack(static_cast<const T*>(args.y), args.rows * args.width, kPack);
  packs ? LaunchForward<kPack, T>(args, stream) : LaunchForward<1, T>(args, stream);
}

template <class T>
void Backward(const GeluBackwardArgs& args, void* stream) {
  const bool packs = CanPack(static_cast<const T*>(args.z), args.width, 4) &&
                     CanPack(static_cast<const T*>(args.d_y), args.width, 4) &&
                     CanPack(static_cast<const T*>(args.d_z), args.width, 4);
  packs ? LaunchBackward<4, T>(args, stream) : LaunchBackward<1, T>(args, stream);
}

}  // namespace

void GeluForward(const GeluForwardArgs& args, void* stream) {
  if (args.type == Element::kBFloat16) return Forward<__nv_bfloat16>(args, stream);
  Forward<float>(args, stream);
}

void GeluBackward(const GeluBackwardArgs& args, void* stream) {
  if (args.type == Element::kBFloat16) return Backward<__nv_bfloat16>(args, stream);
  Backward<float>(args, stream);
}

}  // namespace ocellus::kernels::cuda
