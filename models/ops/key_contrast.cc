#include "models/ops/key_contrast.h"

namespace ocellus::models::ops {
namespace {

torch::Tensor Directions(const torch::Tensor& vectors) {
  const torch::Tensor values = vectors.to(torch::kFloat32);
  return values / values.norm(2, {1}, /*keepdim=*/true).clamp_min(1e-12);
}

}  // namespace

torch::Tensor KeyContrast(const torch::Tensor& queries, const torch::Tensor& keys,
                          double temperature, Collectives& collectives) {
  const int64_t first = queries.size(0) * collectives.rank();
  const torch::Tensor all = collectives.all_gather(Directions(keys.detach()));
  const torch::Tensor logits = Directions(queries).mm(all.t()) / temperature;
  const torch::Tensor own =
      torch::arange(first, first + queries.size(0), logits.options().dtype(torch::kInt64));
  return at::cross_entropy_loss(logits, own);
}

}  // namespace ocellus::models::ops
