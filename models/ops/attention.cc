#include "models/ops/attention.h"

namespace ocellus::models::ops {

// B batch, N tokens, D width, H heads, E width of a head.
torch::Tensor Attention(const torch::Tensor& qkv_BN3D, int64_t heads, double scale) {
  const int64_t batch = qkv_BN3D.size(0), tokens = qkv_BN3D.size(1), width = qkv_BN3D.size(2) / 3;
  torch::Tensor qkv_3BHNE =
      qkv_BN3D.view({batch, tokens, 3, heads, width / heads}).permute({2, 0, 3, 1, 4});
  torch::Tensor q = qkv_3BHNE[0], k = qkv_3BHNE[1], v = qkv_3BHNE[2];
  torch::Tensor out;
  if (qkv_BN3D.is_cuda()) {
    out = at::scaled_dot_product_attention(q, k, v, {}, 0.0, false, scale);
  } else {
    torch::Tensor scores = torch::matmul(q * scale, k.transpose(-2, -1));
    out = torch::matmul(torch::softmax(scores, -1, torch::kFloat32).to(v.scalar_type()), v);
  }
  return out.transpose(1, 2).reshape({batch, tokens, width});
}

}  // namespace ocellus::models::ops
