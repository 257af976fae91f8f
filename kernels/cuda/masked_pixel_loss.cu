#include "kernels/cuda/reduce.h"
#include "kernels/masked_pixel_loss.h"

namespace ocellus::kernels::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kTotalsThreads = 1024;
constexpr int64_t kNumbersMax = 11 * 1024;  // a patch of floats in 48 KiB of shared memory

// Addresses of one patch's pixels in row, column, channel order.
struct PatchPixels {
  const float* corner;
  int64_t line, plane, patch_line;
  int channels;

  __device__ PatchPixels(const PatchGrid& grid, const float* images, int64_t patch) {
    const int64_t columns = grid.width / grid.patch;
    const int64_t per_image = grid.height / grid.patch * columns;
    const int64_t in_image = patch % per_image;
    line = grid.width;
    plane = grid.height * grid.width;
    patch_line = grid.patch * grid.channels;
    channels = static_cast<int>(grid.channels);
    corner = images + patch / per_image * grid.channels * plane +
             in_image / columns * grid.patch * line + in_image % columns * grid.patch;
  }

  __device__ float operator[](int n) const {
    const int row = n / static_cast<int>(patch_line), rest = n % static_cast<int>(patch_line);
    return corner[rest % channels * plane + row * line + rest / channels];
  }
};

// One block a patch; its pixels stay in shared memory between the passes.
template <class T>
__global__ void ForwardKernel(MaskedPixelLossForwardArgs args, int numbers) {
  Two* scratch = SharedArray<Two, kWarpsMax>();
  float* pixels = DynamicShared<float>();
  const int64_t patch = blockIdx.x;
  const float weight = args.mask[patch];
  float shift = 0, scale = 1, error = 0;
  if (weight != 0) {  // the same for the whole block
    const PatchPixels source(args.grid, args.images, patch);
    float sum = 0;
    for (int n = threadIdx.x; n < numbers; n += blockDim.x) sum += pixels[n] = source[n];
    if (args.normalise) {
      shift = BlockSum(sum, scratch) / numbers;
      float squares = 0;  // each thread reads what it wrote
      for (int n = threadIdx.x; n < numbers; n += blockDim.x) {
        squares += (pixels[n] - shift) * (pixels[n] - shift);
      }
      scale = 1.0f / sqrtf(BlockSum(squares, scratch) / (numbers - 1) + 1e-6f);
    }
    const T* pred = static_cast<const T*>(args.pred) + patch * numbers;
    for (int n = threadIdx.x; n < numbers; n += blockDim.x) {
      const float difference = ToFloat(pred[n]) - (pixels[n] - shift) * scale;
      error += difference * difference;
    }
    error = BlockSum(error, scratch) / numbers * weight;
  }
  if (threadIdx.x == 0) {
    args.shift[patch] = shift;
    args.scale[patch] = scale;
    args.error[patch] = error;
  }
}

// One block: the loss and the sum of the mask.
__global__ void TotalsKernel(const float* error, const float* mask, int64_t patches,
                             float* totals) {
  Two* scratch = SharedArray<Two, kWarpsMax>();
  Two sums = {0, 0};
  for (int64_t i = threadIdx.x; i < patches; i += blockDim.x) {
    sums.first += error[i];
    sums.second += mask[i];
  }
  sums = BlockSum(sums, scratch);
  if (threadIdx.x == 0) {
    totals[0] = sums.first / sums.second;
    totals[1] = sums.second;
  }
}

template <class T>
__global__ void BackwardKernel(MaskedPixelLossBackwardArgs args, int numbers) {
  const int64_t patch = blockIdx.x;
  T* d_pred = static_cast<T*>(args.d_pred) + patch * numbers;
  const float weight = args.mask[patch];
  if (weight == 0) {
    for (int n = threadIdx.x; n < numbers; n += blockDim.x) Assign(d_pred[n], 0.0f);
    return;
  }
  const PatchPixels source(args.grid, args.images, patch);
  const T* pred = static_cast<const T*>(args.pred) + patch * numbers;
  const float shift = args.shift[patch], scale = args.scale[patch];
  const float factor = args.d_loss[0] * weight / args.totals[1] * 2.0f / numbers;
  for (int n = threadIdx.x; n < numbers; n += blockDim.x) {
    Assign(d_pred[n], (ToFloat(pred[n]) - (source[n] - shift) * scale) * factor);
  }
}

int CheckedNumbers(const PatchGrid& grid) {
  if (grid.numbers() > kNumbersMax) {
    throw std::runtime_error("MaskedPixelLoss on CUDA takes patches of up to " +
                             std::to_string(kNumbersMax) + " numbers, not " +
                             std::to_string(grid.numbers()));
  }
  return static_cast<int>(grid.numbers());
}

}  // namespace

void MaskedPixelLossForward(const MaskedPixelLossForwardArgs& args, void* stream) {
  const int numbers = CheckedNumbers(args.grid);
  const int64_t patches = args.grid.patches();
  const auto kernel =
      args.pred_type == Element::kBFloat16 ? ForwardKernel<__nv_bfloat16> : ForwardKernel<float>;
  OCELLUS_KERNEL_LAUNCH(kernel, dim3(patches), dim3(kThreads), numbers * sizeof(float), stream,
                        args, numbers);
  CheckLaunch("MaskedPixelLossForward");
  OCELLUS_KERNEL_LAUNCH(TotalsKernel, dim3(1), dim3(kTotalsThreads), 0, stream, args.error,
                        args.mask, patches, args.totals);
  CheckLaunch("MaskedPixelLossTotals");
}

void MaskedPixelLossBackward(const MaskedPixelLossBackwardArgs& args, void* stream) {
  const int numbers = CheckedNumbers(args.grid);
  const auto kernel =
      args.pred_type == Element::kBFloat16 ? BackwardKernel<__nv_bfloat16> : BackwardKernel<float>;
  OCELLUS_KERNEL_LAUNCH(kernel, dim3(args.grid.patches()), dim3(kThreads), 0, stream, args,
                        numbers);
  CheckLaunch("MaskedPixelLossBackward");
}

}  // namespace ocellus::kernels::cuda
