#include "kernels/cuda/launch.h"
#include "kernels/patch_pixels.h"

namespace ocellus::kernels::cuda {
namespace {

constexpr int kThreads = 128;

// One block a patch; neighbouring threads take neighbouring columns.
template <class T>
__global__ void CopyKernel(PatchPixelsArgs args, int columns, int numbers) {
  const int64_t i = blockIdx.x, image = i / args.kept;
  const int64_t patch = args.chosen ? args.chosen[i] : i % args.kept;
  const int side = static_cast<int>(args.grid.patch);
  const int64_t width = args.grid.width, plane = args.grid.height * width;
  const float* corner = args.images + image * args.grid.channels * plane +
                        patch / columns * side * width + patch % columns * side;
  T* out = static_cast<T*>(args.out) + i * numbers;
  for (int n = static_cast<int>(threadIdx.x); n < numbers; n += static_cast<int>(blockDim.x)) {
    const int line = n / side, channel = line / side, row = line % side;
    Assign(out[n], corner[channel * plane + row * width + n % side]);
  }
}

}  // namespace

void PatchPixels(const PatchPixelsArgs& args, void* stream) {
  const int64_t patches = args.grid.batch * args.kept;
  if (patches == 0) return;
  const auto kernel =
      args.type == Element::kBFloat16 ? CopyKernel<__nv_bfloat16> : CopyKernel<float>;
  const int columns = static_cast<int>(args.grid.columns());
  const int numbers = static_cast<int>(args.grid.numbers());
  OCELLUS_KERNEL_LAUNCH(kernel, dim3(patches), dim3(kThreads), 0, stream, args, columns, numbers);
  CheckLaunch("PatchPixels");
}

}  // namespace ocellus::kernels::cuda
