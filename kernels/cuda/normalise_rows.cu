#include "kernels/cuda/reduce.h"
#include "kernels/normalise_rows.h"

namespace ocellus::kernels::cuda {
namespace {

constexpr int kThreads = 128;

// One block a row.
template <class T>
__global__ void ForwardKernel(NormaliseRowsForwardArgs args) {
  Two* scratch = SharedArray<Two, kWarpsMax>();
  const int64_t at = blockIdx.x * args.width;
  const T* x = static_cast<const T*>(args.x) + at;
  float squares = 0;
  for (int64_t j = threadIdx.x; j < args.width; j += blockDim.x) {
    squares += ToFloat(x[j]) * ToFloat(x[j]);
  }
  const float length = sqrtf(BlockSum(squares, scratch));
  const float factor = 1.0f / (length < args.eps ? args.eps : length);
  for (int64_t j = threadIdx.x; j < args.width; j += blockDim.x) {
    args.y[at + j] = ToFloat(x[j]) * factor;
  }
  if (threadIdx.x == 0) args.length[blockIdx.x] = length;
}

template <class T>
__global__ void BackwardKernel(NormaliseRowsBackwardArgs args) {
  Two* scratch = SharedArray<Two, kWarpsMax>();
  const int64_t at = blockIdx.x * args.width;
  const float *y = args.y + at, *d_y = args.d_y + at;
  const float length = args.length[blockIdx.x];
  const bool clamped = length < args.eps;
  float along = 0;
  for (int64_t j = threadIdx.x; j < args.width; j += blockDim.x) along += y[j] * d_y[j];
  along = BlockSum(along, scratch);
  if (clamped) along = 0;
  const float factor = 1.0f / (clamped ? args.eps : length);
  T* d_x = static_cast<T*>(args.d_x) + at;
  for (int64_t j = threadIdx.x; j < args.width; j += blockDim.x) {
    Assign(d_x[j], (d_y[j] - y[j] * along) * factor);
  }
}

}  // namespace

void NormaliseRowsForward(const NormaliseRowsForwardArgs& args, void* stream) {
  if (args.rows == 0) return;
  const auto kernel =
      args.type == Element::kBFloat16 ? ForwardKernel<__nv_bfloat16> : ForwardKernel<float>;
  OCELLUS_KERNEL_LAUNCH(kernel, dim3(args.rows), dim3(kThreads), 0, stream, args);
  CheckLaunch("NormaliseRowsForward");
}

void NormaliseRowsBackward(const NormaliseRowsBackwardArgs& args, void* stream) {
  if (args.rows == 0) return;
  const auto kernel =
      args.type == Element::kBFloat16 ? BackwardKernel<__nv_bfloat16> : BackwardKernel<float>;
  OCELLUS_KERNEL_LAUNCH(kernel, dim3(args.rows), dim3(kThreads), 0, stream, args);
  CheckLaunch("NormaliseRowsBackward");
}

}  // namespace ocellus::kernels::cuda
