#include "kernels/patch_pixels.h"

#include <type_traits>

#include "kernels/cpu/vector.h"

namespace ocellus::kernels::cpu {
namespace {

template <class T>
void Copy(const PatchPixelsArgs& args, int64_t i) {
  const PatchGrid& grid = args.grid;
  const int64_t image = i / args.kept, patch = args.chosen ? args.chosen[i] : i % args.kept;
  const int64_t side = grid.patch, plane = grid.height * grid.width;
  const float* corner = args.images + image * grid.channels * plane +
                        patch / grid.columns() * side * grid.width + patch % grid.columns() * side;
  T* out = static_cast<T*>(args.out) + i * grid.numbers();
  for (int64_t channel = 0; channel < grid.channels; ++channel) {
    for (int64_t row = 0; row < side; ++row) {
      const float* from = corner + channel * plane + row * grid.width;
      if constexpr (std::is_same_v<T, float>) {
        std::memcpy(out, from, side * sizeof(float));  // fewer than kLanes in small patches
      } else {
        for (int64_t j = 0; j < side; j += kLanes) {
          StorePart(out + j, LoadPart(from + j, side - j), side - j);
        }
      }
      out += side;
    }
  }
}

}  // namespace

void PatchPixels(const PatchPixelsArgs& args, const ParallelFor& parallel) {
  const int64_t patches = args.grid.batch * args.kept, parts = PartCount(patches);
  const auto copy = args.type == Element::kBFloat16 ? Copy<BFloat16> : Copy<float>;
  parallel(parts, [&](int64_t p) {
    const int64_t end = PartBegin(patches, parts, p + 1);
    for (int64_t i = PartBegin(patches, parts, p); i < end; ++i) copy(args, i);
  });
}

}  // namespace ocellus::kernels::cpu
