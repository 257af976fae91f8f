#include "worker/trainer/feature_health.h"

#include <algorithm>
#include <cmath>

namespace ocellus::trainer {
namespace {

// Singular values by way of the smaller Gram matrix: thousands of samples stay cheap.
torch::Tensor SingularValues(const torch::Tensor& rows) {
  const torch::Tensor gram = rows.size(0) < rows.size(1) ? rows.mm(rows.t()) : rows.t().mm(rows);
  return torch::linalg_eigvalsh(gram, "L").clamp_min(0).sqrt();
}

double EffectiveRank(const torch::Tensor& rows) {
  const torch::Tensor values = SingularValues(rows);
  const torch::Tensor share = values / values.sum().clamp_min(1e-300);
  // What is below the eigenvalues' own rounding is no direction.
  const torch::Tensor seen = share.masked_select(share.gt(share.max() * 1e-7));
  return std::exp(-(seen * seen.log()).sum().item<double>());
}

}  // namespace

double FeatureHealth::healthy_std() const {
  return 1.0 / std::sqrt(static_cast<double>(std::max<int64_t>(dim, 1)));
}

FeatureHealth MeasureHealth(const torch::Tensor& features) {
  const torch::NoGradGuard no_grad;
  FeatureHealth health;
  health.samples = features.size(0);
  health.dim = features.size(1);
  health.finite = features.isfinite().all().item<bool>();
  if (!health.finite) return health;
  const auto options = torch::nn::functional::NormalizeFuncOptions().dim(1);
  const torch::Tensor rows = torch::nn::functional::normalize(features.to(torch::kDouble), options);
  health.std = rows.std(0, /*unbiased=*/false).mean().item<double>();
  health.effective_rank = EffectiveRank(rows);
  return health;
}

}  // namespace ocellus::trainer
