#include "kernels/augment_stages.h"
#include "kernels/cuda/reduce.h"

namespace ocellus::kernels::cuda {
namespace {

constexpr int kThreads = 512;
constexpr int kHalf = 4096;  // a thread's sum is below kHalf^2, so both parts add up exactly

struct Place {
  int32_t y, x;
};

__device__ Place PlaceOf(int64_t i, int32_t size) {
  return {static_cast<int32_t>(i / size), static_cast<int32_t>(i % size)};
}

__device__ void Across(const AugmentArgs& args, const AugmentView& view, uint32_t* rows) {
  for (int64_t i = threadIdx.x; i < int64_t{view.height} * args.size; i += blockDim.x) {
    const Place at = PlaceOf(i, args.size);
    const uint32_t* line = args.pixels + view.source + int64_t{at.y} * view.width;
    rows[i] = Resampled(line, 1, args.tables, view.across, args.size, at.x);
  }
}

// Down, and the colours up to contrast; returns the mean that contrast needs.
__device__ float Down(const AugmentArgs& args, const AugmentView& view, const uint32_t* rows,
                      uint32_t* pixels, Two* scratch) {
  int32_t sum = 0;
  for (int64_t i = threadIdx.x; i < int64_t{args.size} * args.size; i += blockDim.x) {
    const Place at = PlaceOf(i, args.size);
    const Pixel pixel = BeforeContrast(
        view, Unpacked(Resampled(rows + at.x, args.size, args.tables, view.down, args.size, at.y)));
    sum += static_cast<int32_t>(LumaOf(pixel));
    pixels[i] = Packed(pixel);
  }
  const Two parts = {static_cast<float>(sum / kHalf), static_cast<float>(sum % kHalf)};
  const Two total = BlockSum(parts, scratch);
  return GrayOf(static_cast<double>(total.first) * kHalf + total.second, args.size);
}

template <class T>
__device__ void Store(const AugmentArgs& args, int64_t v, int32_t channel, const Place& at,
                      float value) {
  Assign(static_cast<T*>(args.out)[OutPlace(args, v, channel, at.y, at.x)],
         Finished(args, args.views[v], channel, value));
}

// The colours from contrast on; without a blur that is the end.
template <class T>
__device__ void Colour(const AugmentArgs& args, int64_t v, float gray, uint32_t* pixels) {
  const AugmentView& view = args.views[v];
  for (int64_t i = threadIdx.x; i < int64_t{args.size} * args.size; i += blockDim.x) {
    const Pixel pixel = FromContrast(view, gray, Unpacked(pixels[i]));
    if (view.radius >= 0) {
      pixels[i] = Packed(pixel);
      continue;
    }
    const Place at = PlaceOf(i, args.size);
    for (int c = 0; c < 3; ++c) Store<T>(args, v, c, at, pixel.channel[c]);
  }
}

__device__ void BlurAcross(const AugmentArgs& args, const AugmentView& view, const uint32_t* pixels,
                           float* planes) {
  const int64_t area = int64_t{args.size} * args.size;
  for (int64_t i = threadIdx.x; i < 3 * area; i += blockDim.x) {
    const int32_t channel = static_cast<int32_t>(i / area);
    const Place at = PlaceOf(i % area, args.size);
    const uint32_t* line = pixels + int64_t{at.y} * args.size;
    planes[i] = Blurred(view, args.weights, at.x, args.size, [&](int32_t x) {
      return static_cast<float>(static_cast<int>(line[x] >> (8 * channel) & 255));
    });
  }
}

template <class T>
__device__ void BlurDown(const AugmentArgs& args, int64_t v, const float* planes) {
  const int64_t area = int64_t{args.size} * args.size;
  for (int64_t i = threadIdx.x; i < 3 * area; i += blockDim.x) {
    const int32_t channel = static_cast<int32_t>(i / area);
    const Place at = PlaceOf(i % area, args.size);
    const float* column = planes + channel * area + at.x;
    const float value = Blurred(args.views[v], args.weights, at.y, args.size,
                                [&](int32_t y) { return column[int64_t{y} * args.size]; });
    Store<T>(args, v, channel, at, value);
  }
}

// A block makes one view after the other, with memory of its own for what lies between the stages.
template <class T>
__global__ void AugmentKernel(AugmentArgs args, int64_t words) {
  Two* scratch = SharedArray<Two, kWarpsMax>();
  uint32_t* pixels = args.scratch + blockIdx.x * words;
  uint32_t* between = pixels + int64_t{args.size} * args.size;
  for (int64_t v = blockIdx.x; v < args.count; v += gridDim.x) {
    const AugmentView& view = args.views[v];
    Across(args, view, between);
    __syncthreads();
    const float gray = Down(args, view, between, pixels, scratch);
    __syncthreads();
    Colour<T>(args, v, gray, pixels);
    __syncthreads();
    if (view.radius < 0) continue;
    float* planes = reinterpret_cast<float*>(between);
    BlurAcross(args, view, pixels, planes);
    __syncthreads();
    BlurDown<T>(args, v, planes);
    __syncthreads();
  }
}

}  // namespace

void Augment(const AugmentArgs& args, void* stream) {
  if (args.count == 0 || args.size == 0) return;
  const auto kernel =
      args.type == Element::kBFloat16 ? AugmentKernel<__nv_bfloat16> : AugmentKernel<float>;
  const int64_t blocks = std::min(args.count, kAugmentBlocksMax);
  OCELLUS_KERNEL_LAUNCH(kernel, dim3(blocks), dim3(kThreads), 0, stream, args,
                        AugmentBlockScratch(args));
  CheckLaunch("Augment");
}

}  // namespace ocellus::kernels::cuda
