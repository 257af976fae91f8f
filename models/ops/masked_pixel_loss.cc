#include "models/ops/masked_pixel_loss.h"

#include "kernels/masked_pixel_loss.h"
#include "models/ops/launch.h"

namespace ocellus::models::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

kernels::PatchGrid GridOf(const torch::Tensor& images, int64_t patch) {
  kernels::PatchGrid grid;
  grid.batch = images.size(0);
  grid.channels = images.size(1);
  grid.height = images.size(2);
  grid.width = images.size(3);
  grid.patch = patch;
  return grid;
}

struct MaskedPixelLossFunction : torch::autograd::Function<MaskedPixelLossFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& pred,
                               const torch::Tensor& images, const torch::Tensor& mask,
                               int64_t patch, bool normalise) {
    kernels::MaskedPixelLossForwardArgs args;
    args.grid = GridOf(images, patch);
    args.normalise = normalise;
    args.pred = pred.data_ptr();
    args.pred_type = ElementOf(pred);
    args.images = Floats(images);
    args.mask = Floats(mask);
    torch::Tensor patches = torch::empty({3, args.grid.patches()}, images.options());
    torch::Tensor totals = torch::empty({2}, images.options());
    args.shift = Floats(patches[0]);
    args.scale = Floats(patches[1]);
    args.error = Floats(patches[2]);
    args.totals = Floats(totals);
    OCELLUS_LAUNCH(MaskedPixelLossForward, pred, args);
    context->save_for_backward({pred, images, mask, patches, totals});
    context->saved_data["patch"] = patch;
    return totals[0].clone();
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const torch::Tensor d_loss = gradients[0].contiguous();
    torch::Tensor d_pred = torch::empty_like(saved[0]);
    kernels::MaskedPixelLossBackwardArgs args;
    args.grid = GridOf(saved[1], context->saved_data["patch"].toInt());
    args.pred = saved[0].data_ptr();
    args.pred_type = ElementOf(saved[0]);
    args.images = Floats(saved[1]);
    args.mask = Floats(saved[2]);
    args.shift = Floats(saved[3][0]);
    args.scale = Floats(saved[3][1]);
    args.totals = Floats(saved[4]);
    args.d_loss = Floats(d_loss);
    args.d_pred = d_pred.data_ptr();
    OCELLUS_LAUNCH(MaskedPixelLossBackward, d_pred, args);
    return {d_pred, torch::Tensor(), torch::Tensor(), torch::Tensor(), torch::Tensor()};
  }
};

torch::Tensor LossByAten(const torch::Tensor& pred, const torch::Tensor& images,
                         const torch::Tensor& mask, int64_t patch, bool normalise) {
  const int64_t rows = images.size(2) / patch, columns = images.size(3) / patch;
  torch::Tensor target =
      images.reshape({images.size(0), images.size(1), rows, patch, columns, patch})
          .permute({0, 2, 4, 3, 5, 1})
          .reshape(pred.sizes());
  if (normalise) {
    const auto [variance, mean] = torch::var_mean(target, {-1}, /*unbiased=*/true, true);
    target = (target - mean) / (variance + 1e-6).sqrt();
  }
  return ((pred.to(torch::kFloat32) - target).square().mean(-1) * mask).sum() / mask.sum();
}

}  // namespace

torch::Tensor MaskedPixelLoss(const torch::Tensor& pred, const torch::Tensor& images,
                              const torch::Tensor& mask, int64_t patch, bool normalise) {
  const int64_t numbers = patch * patch * images.size(1);
  TORCH_CHECK(images.size(2) % patch == 0 && images.size(3) % patch == 0, "images of ",
              images.sizes(), " do not divide into patches of ", patch);
  const int64_t per_image = (images.size(2) / patch) * (images.size(3) / patch);
  TORCH_CHECK(pred.sizes() == torch::IntArrayRef({images.size(0), per_image, numbers}) &&
                  mask.sizes() == torch::IntArrayRef({images.size(0), per_image}),
              "predictions of ", pred.sizes(), " and mask of ", mask.sizes(),
              " do not fit images of ", images.sizes(), " in patches of ", patch);
  const torch::Tensor pixels = images.detach().to(torch::kFloat32).contiguous();
  const torch::Tensor weights = mask.detach().to(torch::kFloat32).contiguous();
  if (!UseKernels()) return LossByAten(pred, pixels, weights, patch, normalise);
  return MaskedPixelLossFunction::apply(pred.contiguous(), pixels, weights, patch, normalise);
}

}  // namespace ocellus::models::ops
