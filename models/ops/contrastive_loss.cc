#include "models/ops/contrastive_loss.h"

#include "models/ops/pair_contrast.h"

namespace ocellus::models::ops {

torch::Tensor InfoNceLoss(const torch::Tensor& images, const torch::Tensor& texts,
                          const torch::Tensor& scale, Collectives& collectives) {
  const torch::Tensor no_bias = torch::zeros_like(scale).detach();
  return PairContrast(images, texts, scale, no_bias, PairLoss::kBothSoftmax, collectives);
}

torch::Tensor SigLipLoss(const torch::Tensor& images, const torch::Tensor& texts,
                         const torch::Tensor& scale, const torch::Tensor& bias,
                         Collectives& collectives) {
  return PairContrast(images, texts, scale, bias, PairLoss::kSigmoid, collectives);
}

}  // namespace ocellus::models::ops
