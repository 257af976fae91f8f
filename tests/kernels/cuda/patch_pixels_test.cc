// The CUDA source of the patches' pixels, emulated.
#include "kernels/patch_pixels.h"

#include <gtest/gtest.h>

#include "tests/kernels/patch_cases.h"
#include "tests/support/cuda_emulation/access_checker.h"
#include "tests/support/cuda_emulation/emulation.h"

namespace ocellus::kernels {
namespace {

TEST(CudaPatchPixelsTest, TakesChosenPatchesInTheirOrder) {
  emulation::SetSeed(5);
  for (const PatchCase& c : PatchCases()) {
    for (const Element type : {Element::kFloat32, Element::kBFloat16}) {
      Array images = Array::Normal(c.Pixels(), 1), out(c.Numbers(), type);
      const std::vector<int64_t> chosen = c.Chosen();
      emulation::Checker().Allow(chosen.data(), chosen.size() * sizeof(int64_t), sizeof(int64_t));
      cuda::PatchPixels(c.Args(images, chosen, out), nullptr);
      emulation::Checker().Forbid(chosen.data());
      ExpectNear(out, c.Expected(images, chosen), type == Element::kBFloat16 ? 4e-3 : 0, "pixels");
    }
  }
}

}  // namespace
}  // namespace ocellus::kernels
