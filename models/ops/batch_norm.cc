#include "models/ops/batch_norm.h"

#include <tuple>

#include "models/ops/launch.h"
#include "worker/wire/fault.h"

namespace ocellus::models::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// Statistics of a batch for each of C channels.
struct Moments {
  torch::Tensor mean;      // [C] fp32
  torch::Tensor variance;  // [C] fp32, biased
  torch::Tensor count;     // values of a channel, fp64 scalar
};

int64_t ValuesOfAChannel(const torch::Tensor& x) { return x.numel() / x.size(1); }

torch::Tensor PerChannel(const torch::Tensor& values_C, const torch::Tensor& like) {
  return like.dim() == 2 ? values_C : values_C.view({-1, 1, 1});
}

torch::Tensor InLayoutOf(const torch::Tensor& tensor, const torch::Tensor& like) {
  return tensor.contiguous(like.suggest_memory_format());
}

Moments LocalMoments(const torch::Tensor& x) {
  const auto options = x.options().dtype(torch::kFloat32);
  // The operator wants running values to move; these are thrown away.
  const torch::Tensor unused_mean = torch::zeros({x.size(1)}, options);
  const torch::Tensor unused_variance = torch::zeros({x.size(1)}, options);
  const auto [mean, variance] = at::batch_norm_update_stats(x, unused_mean, unused_variance, 1.0);
  return {mean, variance,
          torch::tensor(static_cast<double>(ValuesOfAChannel(x)), options.dtype(torch::kFloat64))};
}

// Deviations from the common mean, rather than a sum of squares: nothing cancels (Chan et al.).
Moments OverAllRanks(const Moments& local, Collectives& collectives) {
  if (collectives.world() == 1) return local;
  const int64_t channels = local.mean.size(0);
  const torch::Tensor mine = torch::cat(
      {local.count.view({1}), local.mean.to(torch::kFloat64), local.variance.to(torch::kFloat64)});
  const torch::Tensor all = collectives.all_gather(mine.unsqueeze(0));
  const torch::Tensor counts = all.narrow(1, 0, 1), total = counts.sum();
  const torch::Tensor means = all.narrow(1, 1, channels);
  const torch::Tensor variances = all.narrow(1, 1 + channels, channels);
  const torch::Tensor mean = (counts * means).sum(0) / total;
  const torch::Tensor variance = (counts * (variances + (means - mean).square())).sum(0) / total;
  return {mean.to(torch::kFloat32), variance.to(torch::kFloat32), total};
}

void MoveTowards(const RunningStatistics& running, const Moments& batch, double momentum) {
  const torch::Tensor finite = (batch.mean.isfinite() & batch.variance.isfinite()).all();
  const torch::Tensor unbiased =
      batch.variance * (batch.count / (batch.count - 1)).to(torch::kFloat32);
  const auto move = [&](torch::Tensor value, const torch::Tensor& target) {
    value.copy_(torch::where(finite, value + (target - value) * momentum, value));
  };
  move(running.mean, batch.mean);
  move(running.variance, unbiased);
  torch::Tensor batches = running.batches;
  batches.add_(finite.to(torch::kInt64));
}

torch::Tensor Normalise(const torch::Tensor& x, const std::optional<torch::Tensor>& weight,
                        const std::optional<torch::Tensor>& bias, const torch::Tensor& mean,
                        const torch::Tensor& variance, double eps) {
  return at::batch_norm(x, weight, bias, mean, variance, /*training=*/false, 0.0, eps,
                        /*cudnn_enabled=*/false);
}

// Over several ranks. With x^ = (x - mean) / deviation and sums over the values of all ranks:
//   d_x = weight / deviation (d_y - sum(d_y) / n - x^ sum(d_y x^) / n)
torch::Tensor InputGradient(const torch::Tensor& d_y, const torch::Tensor& x,
                            const torch::Tensor& weight, const Moments& batch,
                            const torch::Tensor& share_d_y, const torch::Tensor& share_d_y_x,
                            double eps, Collectives& collectives) {
  torch::Tensor sums = torch::stack({share_d_y, share_d_y_x}).to(torch::kFloat64);
  collectives.all_reduce_sum(sums);
  const torch::Tensor mean = batch.mean.to(torch::kFloat64);
  const torch::Tensor rstd = (batch.variance.to(torch::kFloat64) + eps).rsqrt();
  const torch::Tensor scale = weight.defined() ? weight.to(torch::kFloat64) * rstd : rstd;
  const torch::Tensor of_x = -scale * rstd * sums[1] / batch.count;
  const torch::Tensor constant = -scale * sums[0] / batch.count - of_x * mean;
  const auto channels = [&](const torch::Tensor& values) {
    return PerChannel(values.to(torch::kFloat32), x);
  };
  return (d_y * channels(scale))
      .addcmul_(x, channels(of_x))
      .add_(channels(constant))
      .to(x.scalar_type());
}

struct BatchNormFunction : torch::autograd::Function<BatchNormFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& x,
                               const std::optional<torch::Tensor>& weight,
                               const std::optional<torch::Tensor>& bias,
                               const RunningStatistics& running, double momentum, double eps,
                               Collectives* collectives) {
    const Moments batch = OverAllRanks(LocalMoments(x), *collectives);
    MoveTowards(running, batch, momentum);
    context->save_for_backward(
        {x, weight.value_or(torch::Tensor()), batch.mean, batch.variance, batch.count});
    context->saved_data["eps"] = eps;
    context->saved_data["collectives"] = reinterpret_cast<int64_t>(collectives);
    return Normalise(x, weight, bias, batch.mean, batch.variance, eps);
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &weight = saved[1];
    const Moments batch{saved[2], saved[3], saved[4]};
    const double eps = context->saved_data["eps"].toDouble();
    auto& collectives = *reinterpret_cast<Collectives*>(context->saved_data["collectives"].toInt());
    const bool alone = collectives.world() == 1;

    const torch::Tensor d_y = InLayoutOf(gradients[0], x);
    const torch::Tensor rstd = (batch.variance + eps).rsqrt();
    auto [d_x, d_weight, d_bias] = at::native_batch_norm_backward(
        d_y, x, IfDefined(weight), batch.mean, batch.variance, batch.mean, rstd,
        /*train=*/alone, eps, {alone, true, true});
    if (!alone) {
      d_x = InputGradient(d_y, x, weight, batch, d_bias, d_weight, eps, collectives);
    }
    tensor_list out(7);
    out[0] = d_x;
    if (weight.defined()) std::tie(out[1], out[2]) = std::pair(d_weight, d_bias);
    return out;
  }
};

}  // namespace

torch::Tensor BatchNormTraining(const torch::Tensor& x, const torch::Tensor& weight,
                                const torch::Tensor& bias, const RunningStatistics& running,
                                double momentum, double eps, Collectives& collectives) {
  if (ValuesOfAChannel(x) * collectives.world() <= 1) {
    throw wire::Fault(wire::FaultClass::kUser, "BAD_BATCH",
                      "batch normalisation has one value a channel in the whole batch",
                      "give a larger batch.global, or fewer micro-batches");
  }
  return BatchNormFunction::apply(InLayoutOf(x, x), IfDefined(weight), IfDefined(bias), running,
                                  momentum, eps, &collectives);
}

torch::Tensor BatchNormEvaluation(const torch::Tensor& x, const torch::Tensor& weight,
                                  const torch::Tensor& bias, const RunningStatistics& running,
                                  double eps) {
  return Normalise(x, IfDefined(weight), IfDefined(bias), running.mean, running.variance, eps);
}

}  // namespace ocellus::models::ops
