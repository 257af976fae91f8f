// The CUDA source of the MAE loss, emulated, against its CPU twin.
#include "kernels/masked_pixel_loss.h"

#include <gtest/gtest.h>

#include "tests/kernels/arrays.h"
#include "tests/support/cuda_emulation/emulation.h"

namespace ocellus::kernels {
namespace {

struct Outputs {
  Outputs(const PatchGrid& grid, Element type)
      : shift(grid.patches()),
        scale(grid.patches()),
        error(grid.patches()),
        totals(2),
        d_pred(grid.patches() * grid.numbers(), type) {}

  Array shift, scale, error, totals, d_pred;
};

void Check(const PatchGrid& grid, bool normalise, Element type) {
  SCOPED_TRACE(testing::Message() << "patch " << grid.patch << ", normalise " << normalise);
  Array pred = Array::Normal(grid.patches() * grid.numbers(), 1, type);
  Array images = Array::Normal(grid.batch * grid.channels * grid.height * grid.width, 2);
  Array mask(grid.patches()), d_loss(1);
  for (int64_t i = 0; i < mask.size(); ++i) mask.Set(i, i % 4 == 1 ? 0.0f : 1.0f);
  d_loss.Set(0, 0.75f);
  const auto forward = [&](Outputs& out) {
    return MaskedPixelLossForwardArgs{grid,
                                      normalise,
                                      pred.data(),
                                      type,
                                      images.floats(),
                                      mask.floats(),
                                      out.shift.floats(),
                                      out.scale.floats(),
                                      out.error.floats(),
                                      out.totals.floats()};
  };
  const auto backward = [&](Outputs& out) {
    return MaskedPixelLossBackwardArgs{grid,
                                       pred.data(),
                                       type,
                                       images.floats(),
                                       mask.floats(),
                                       out.shift.floats(),
                                       out.scale.floats(),
                                       out.totals.floats(),
                                       d_loss.floats(),
                                       out.d_pred.data()};
  };
  Outputs cpu(grid, type), cuda(grid, type);
  cpu::MaskedPixelLossForward(forward(cpu), Serially);
  cpu::MaskedPixelLossBackward(backward(cpu), Serially);
  cuda::MaskedPixelLossForward(forward(cuda), nullptr);
  cuda::MaskedPixelLossBackward(backward(cuda), nullptr);
  ExpectNear(cuda.shift, cpu.shift, 2e-6, "shift");
  ExpectNear(cuda.scale, cpu.scale, 2e-6, "scale");
  ExpectNear(cuda.error, cpu.error, 4e-6, "error");
  ExpectNear(cuda.totals, cpu.totals, 2e-6, "totals");
  ExpectNear(cuda.d_pred, cpu.d_pred, type == Element::kBFloat16 ? 8e-3 : 2e-6, "d_pred");
}

TEST(CudaMaskedPixelLossTest, AgreesWithItsTwin) {
  const PatchGrid grids[] = {
      {.batch = 1, .channels = 3, .height = 2, .width = 1, .patch = 1},
      {.batch = 2, .channels = 3, .height = 8, .width = 12, .patch = 4},
      {.batch = 1, .channels = 1, .height = 14, .width = 7, .patch = 7},
      {.batch = 1, .channels = 4, .height = 18, .width = 9, .patch = 9},
  };
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    emulation::SetSeed(seed);
    for (const PatchGrid& grid : grids) {
      Check(grid, true, Element::kFloat32);
      Check(grid, false, Element::kBFloat16);
    }
  }
}

}  // namespace
}  // namespace ocellus::kernels
