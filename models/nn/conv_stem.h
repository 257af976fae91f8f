// MoCo v3's other way from an image to a ViT's tokens: small strided convolutions in place of one
// large one. Chen, Xie and He 2021, arXiv:2104.02057; Xiao et al. 2021, arXiv:2106.14881; names as
// facebookresearch/moco-v3 vits.py ConvStem.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "models/nn/batch_norm.h"
#include "models/nn/residual_block.h"

namespace ocellus::models::nn {

// The numbers of a Sequential: four times a 3 x 3 convolution of stride 2 without bias (0, 3, 6,
// 9), BatchNorm (1, 4, 7, 10) and ReLU, of D/8, D/4, D/2 and D channels; then a 1 x 1 convolution
// with a bias (12). D divisible by 8.
class ConvStem final : public torch::nn::Module {
 public:
  static constexpr int64_t kPatchSize = 16;  // four times two

  explicit ConvStem(int64_t width);
  // images [N, 3, H, W], H and W divisible by 16. Returns [N, L, D] in pass.compute, row by row.
  torch::Tensor forward(const torch::Tensor& images, const Pass& pass) const;

  // PyTorch's default of its layers: Kaiming uniform with a = sqrt 5.
  void Initialise(torch::Generator& generator);

 private:
  std::vector<std::shared_ptr<Convolution>> convolutions_;
  std::vector<std::shared_ptr<BatchNorm>> norms_;
  torch::Tensor weight_, bias_;  // of 12: [D, D, 1, 1], [D]
};

}  // namespace ocellus::models::nn
