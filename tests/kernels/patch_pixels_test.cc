// The pixels of patches, one by one.
#include "kernels/patch_pixels.h"

#include <gtest/gtest.h>

#include "tests/kernels/patch_cases.h"

namespace ocellus::kernels {
namespace {

TEST(PatchPixelsTest, TakesChosenPatchesInTheirOrder) {
  for (const PatchCase& c : PatchCases()) {
    for (const Element type : {Element::kFloat32, Element::kBFloat16}) {
      Array images = Array::Normal(c.Pixels(), 1), out(c.Numbers(), type);
      const std::vector<int64_t> chosen = c.Chosen();
      cpu::PatchPixels(c.Args(images, chosen, out), Serially);
      ExpectNear(out, c.Expected(images, chosen), type == Element::kBFloat16 ? 4e-3 : 0, "pixels");
    }
  }
}

}  // namespace
}  // namespace ocellus::kernels
