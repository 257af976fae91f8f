#include "models/ops/key_contrast.h"

#include "models/ops/normalise_rows.h"
#include "models/ops/pair_contrast.h"

namespace ocellus::models::ops {
torch::Tensor KeyContrast(const torch::Tensor& queries, const torch::Tensor& keys,
                          double temperature, Collectives& collectives) {
  const torch::Tensor scale =
      torch::full({}, 1 / temperature, queries.options().dtype(torch::kFloat32));
  return PairContrast(NormaliseRows(queries), NormaliseRows(keys.detach()), scale,
                      torch::zeros_like(scale), PairLoss::kRowSoftmax, collectives);
}

}  // namespace ocellus::models::ops
