#include "models/nn/token_shuffle.h"

namespace ocellus::models::nn {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Places among 1 + L tokens of the class token and the kept patches: [N, 1 + K].
torch::Tensor Places(const torch::Tensor& kept) {
  return torch::constant_pad_nd(kept + 1, {1, 0}, 0);
}

// The same in [N * (1 + L), D], flat.
torch::Tensor FlatPlaces(const torch::Tensor& places, int64_t tokens) {
  const torch::Tensor image = torch::arange(places.size(0), places.options()).unsqueeze(1);
  return (places + image * tokens).flatten();
}

// Written out, because the gradient of a gather that repeats the mask token is a slow scatter; here
// it is a gather and one product.
class Unshuffle : public torch::autograd::Function<Unshuffle> {
 public:
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& latent,
                               const torch::Tensor& mask_token, const torch::Tensor& positions,
                               const torch::Tensor& kept, const torch::Tensor& mask) {
    const int64_t batch = latent.size(0), tokens = positions.size(1), width = latent.size(2);
    const torch::Tensor places = Places(kept);
    const torch::Tensor rows = FlatPlaces(places, tokens);
    torch::Tensor all = (mask_token + positions).expand({batch, tokens, width}).contiguous();
    const torch::Tensor seen =
        positions[0].index_select(0, places.flatten()) + latent.reshape({-1, width});
    all.view({-1, width}).index_copy_(0, rows, seen);
    context->save_for_backward({rows, mask});
    context->saved_data["latent_type"] = static_cast<int64_t>(latent.scalar_type());
    return all;
  }

  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const variable_list saved = context->get_saved_variables();
    const torch::Tensor &rows = saved[0], &mask = saved[1];
    const int64_t batch = mask.size(0), width = gradients[0].size(2);
    const auto latent_type =
        static_cast<torch::ScalarType>(context->saved_data["latent_type"].toInt());
    const torch::Tensor all = gradients[0].reshape({-1, width});
    const torch::Tensor latent = all.index_select(0, rows).to(latent_type).view({batch, -1, width});
    const torch::Tensor hidden = torch::constant_pad_nd(mask, {1, 0}, 0).view({1, -1});
    const torch::Tensor mask_token = hidden.mm(all).view({1, 1, width});
    return {latent, mask_token, torch::Tensor(), torch::Tensor(), torch::Tensor()};
  }
};

}  // namespace

Masking MaskByNoise(const torch::Tensor& noise, int64_t keep) {
  const torch::Tensor kept = noise.argsort(/*stable=*/true, /*dim=*/1, /*descending=*/false)
                                 .narrow(1, 0, keep)
                                 .contiguous();
  const torch::Tensor mask = torch::ones_like(noise).scatter_(1, kept, 0.0);
  return {kept, mask};
}

int64_t PatchesKept(int64_t patches, double mask_ratio) {
  return static_cast<int64_t>(static_cast<double>(patches) * (1.0 - mask_ratio));
}

torch::Tensor EncoderTokens(const torch::Tensor& class_token, const torch::Tensor& patches,
                            const torch::Tensor& positions, const torch::Tensor& kept) {
  const int64_t batch = patches.size(0), width = patches.size(2);
  const torch::Tensor tokens =
      torch::cat({class_token.expand({batch, 1, width}), patches.to(torch::kFloat32)}, 1);
  const torch::Tensor own = positions[0].index_select(0, Places(kept).flatten());
  return tokens + own.view_as(tokens);
}

torch::Tensor DecoderTokens(const torch::Tensor& latent, const torch::Tensor& mask_token,
                            const torch::Tensor& positions, const Masking& masking) {
  return Unshuffle::apply(latent, mask_token, positions, masking.kept, masking.mask);
}

}  // namespace ocellus::models::nn
