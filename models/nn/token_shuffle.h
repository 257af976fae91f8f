// Hiding patches and putting them back: the two places where MAE leaves the usual order of tokens.
// He et al. 2021, section 3; facebookresearch/mae models_mae.py random_masking and forward_decoder.
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace ocellus::models::nn {

// N images, L patches, K of them kept, D width.

struct Masking {
  torch::Tensor kept;  // [N, K] int64: patches that the encoder sees, in the order in which it does
  torch::Tensor mask;  // [N, L] fp32: 1 where the patch is hidden
};

// Keeps the `keep` patches of smallest noise, in ascending order of it.
//   noise  [N, L] fp32
Masking MaskByNoise(const torch::Tensor& noise, int64_t keep);

// int(L (1 - mask_ratio)) in double precision, cut off.
int64_t PatchesKept(int64_t patches, double mask_ratio);

// The class token and the chosen patches with their position embeddings.
//   class_token  [1, 1, D]       fp32
//   patches      [N, K, D]       any floating type
//   positions    [1, 1 + L, D]   fp32, constant
//   kept         [N, K] int64
// Returns [N, 1 + K, D] fp32.
torch::Tensor EncoderTokens(const torch::Tensor& class_token, const torch::Tensor& patches,
                            const torch::Tensor& positions, const torch::Tensor& kept);

// All patches in their own order: what the encoder made of the kept ones, `mask_token` for the
// hidden ones, and the position embeddings.
//   latent      [N, 1 + K, D]   any floating type, the class token first
//   mask_token  [1, 1, D]       fp32
//   positions   [1, 1 + L, D]   fp32, constant
// Returns [N, 1 + L, D] fp32.
torch::Tensor DecoderTokens(const torch::Tensor& latent, const torch::Tensor& mask_token,
                            const torch::Tensor& positions, const Masking& masking);

}  // namespace ocellus::models::nn
