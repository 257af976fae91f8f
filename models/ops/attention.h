// Multi-head self-attention over packed queries, keys and values.
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace ocellus::models::ops {

// softmax(scale q k^T) v for each head; the softmax in fp32.
//   qkv    [B, N, 3 D]  fp32 or bf16: D queries, D keys, D values, each split into `heads` runs
//   scale  usually (D / heads)^-0.5
//   causal a token sees itself and those before it alone
// Returns [B, N, D] in qkv's type. heads must divide D.
torch::Tensor Attention(const torch::Tensor& qkv, int64_t heads, double scale, bool causal = false);

}  // namespace ocellus::models::ops
