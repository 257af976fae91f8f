#include "models/nn/patch_embed.h"
#include "models/objectives/mae.h"

namespace ocellus::models::objectives {
namespace {

torch::Tensor ColourTensor(const std::array<float, 3>& values, const torch::Tensor& like) {
  return torch::tensor({values[0], values[1], values[2]}, like.options()).view({3, 1, 1});
}

// Predictions of normalised pixels, with each patch's own mean and deviation put back.
torch::Tensor Denormalise(const torch::Tensor& pred, const torch::Tensor& target) {
  const auto [variance, mean] =
      torch::var_mean(target, at::IntArrayRef{-1}, /*unbiased=*/true, /*keepdim=*/true);
  return pred * (variance + 1e-6).sqrt() + mean;
}

}  // namespace

std::vector<std::vector<torch::Tensor>> Mae::pictures(const Tensors& inputs) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor& images = inputs.at("images");
  const StepOutput output = forward(inputs, {});
  const torch::Tensor hidden = output.outputs.at("mask").unsqueeze(-1);

  const torch::Tensor target = nn::Patchify(images, settings_.patch_size);
  torch::Tensor painted = output.outputs.at("pred").to(torch::kFloat32);
  if (settings_.norm_pix_loss) painted = Denormalise(painted, target);

  const torch::Tensor mean = ColourTensor(colours_.mean, images);
  const torch::Tensor std = ColourTensor(colours_.std, images);
  const auto show = [&](const torch::Tensor& patches) {
    const torch::Tensor values = nn::Unpatchify(patches, settings_.patch_size, 3);
    return (values * std + mean).clamp(0.0, 1.0).cpu();
  };
  // Hidden patches are shown in the mean colour, 0 in normalised values.
  const torch::Tensor original = show(target);
  const torch::Tensor masked = show(target * (1.0 - hidden));
  const torch::Tensor restored = show(target * (1.0 - hidden) + painted * hidden);

  std::vector<std::vector<torch::Tensor>> rows;
  for (int64_t i = 0; i < images.size(0); ++i) {
    rows.push_back({original[i], masked[i], restored[i]});
  }
  return rows;
}

}  // namespace ocellus::models::objectives
