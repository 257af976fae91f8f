#include "models/ops/patch_pixels.h"

#include "kernels/patch_pixels.h"
#include "models/ops/launch.h"

namespace ocellus::models::ops {
namespace {

torch::Tensor ByAten(const torch::Tensor& images, int64_t patch, const torch::Tensor& chosen) {
  const int64_t rows = images.size(2) / patch, columns = images.size(3) / patch;
  // [N, row, column, C, p, p]
  const torch::Tensor grid =
      images.reshape({images.size(0), images.size(1), rows, patch, columns, patch})
          .permute({0, 2, 4, 1, 3, 5});
  if (!chosen.defined()) return grid.flatten(1, 2).flatten(2);
  const torch::Tensor image = torch::arange(images.size(0), chosen.options()).unsqueeze(1);
  const torch::Tensor row = chosen.div(columns, "floor");
  return grid.index({image, row, chosen - row * columns}).flatten(2);
}

bool FitsKernel(const torch::Tensor& images, const torch::Tensor& chosen) {
  const bool wants_gradient = torch::GradMode::is_enabled() && images.requires_grad();
  return UseKernels() && !wants_gradient && images.scalar_type() == torch::kFloat32 &&
         (!chosen.defined() || chosen.scalar_type() == torch::kInt64);
}

}  // namespace

torch::Tensor PatchPixels(const torch::Tensor& images, int64_t patch, const torch::Tensor& chosen) {
  TORCH_CHECK(images.size(2) % patch == 0 && images.size(3) % patch == 0, "images of ",
              images.sizes(), " do not divide into patches of ", patch);
  if (!FitsKernel(images, chosen)) return ByAten(images, patch, chosen);
  const torch::Tensor dense = images.contiguous();
  const torch::Tensor places = chosen.defined() ? chosen.contiguous() : chosen;
  kernels::PatchPixelsArgs args;
  args.grid = {.batch = images.size(0),
               .channels = images.size(1),
               .height = images.size(2),
               .width = images.size(3),
               .patch = patch};
  args.kept = chosen.defined() ? chosen.size(1) : args.grid.per_image();
  args.images = Floats(dense);
  args.chosen = chosen.defined() ? places.data_ptr<int64_t>() : nullptr;
  const torch::Tensor out =
      torch::empty({args.grid.batch, args.kept, args.grid.numbers()}, dense.options());
  args.out = out.data_ptr();
  args.type = ElementOf(out);
  OCELLUS_LAUNCH(PatchPixels, dense, args);
  return out;
}

}  // namespace ocellus::models::ops
