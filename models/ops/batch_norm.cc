#include "models/ops/batch_norm.h"

#include <tuple>

#include "kernels/channel_norm.h"
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

// Kernels take rows of channels, which heads have.
bool FitsKernels(const torch::Tensor& x) {
  const auto type = x.scalar_type();
  return UseKernels() && x.dim() == 2 && x.numel() > 0 &&
         (type == torch::kFloat32 || type == torch::kBFloat16);
}

kernels::ChannelRows RowsOf(const torch::Tensor& x) {
  return {.rows = x.size(0), .channels = x.size(1), .type = ElementOf(x)};
}

torch::Tensor ChannelScratch(const torch::Tensor& x) {
  return torch::empty({kernels::ChannelScratch(x.size(0), x.size(1))},
                      x.options().dtype(torch::kFloat32));
}

torch::Tensor CountOf(const torch::Tensor& x) {
  return torch::full({}, static_cast<double>(ValuesOfAChannel(x)),
                     x.options().dtype(torch::kFloat64));
}

Moments MomentsByKernel(const torch::Tensor& x) {
  const torch::Tensor both = torch::empty({2, x.size(1)}, x.options().dtype(torch::kFloat32));
  const torch::Tensor scratch = ChannelScratch(x);
  const kernels::ChannelMomentsArgs args{.shape = RowsOf(x),
                                         .x = x.data_ptr(),
                                         .mean = Floats(both[0]),
                                         .variance = Floats(both[1]),
                                         .scratch = Floats(scratch)};
  OCELLUS_LAUNCH(ChannelMoments, x, args);
  return {both[0], both[1], CountOf(x)};
}

Moments LocalMoments(const torch::Tensor& x) {
  if (FitsKernels(x)) return MomentsByKernel(x);
  const auto options = x.options().dtype(torch::kFloat32);
  // The operator wants running values to move; these are thrown away.
  const torch::Tensor unused_mean = torch::zeros({x.size(1)}, options);
  const torch::Tensor unused_variance = torch::zeros({x.size(1)}, options);
  const auto [mean, variance] = at::batch_norm_update_stats(x, unused_mean, unused_variance, 1.0);
  return {mean, variance, CountOf(x)};
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
  if (FitsKernels(x) && !torch::GradMode::is_enabled()) {
    const torch::Tensor rstd = (variance + eps).rsqrt();
    const torch::Tensor scale = weight ? rstd * *weight : rstd;
    const torch::Tensor shift = bias ? *bias - mean * scale : -mean * scale;
    const torch::Tensor rows = x.contiguous(), y = torch::empty_like(rows);
    const kernels::ChannelAffineArgs args{.shape = RowsOf(rows),
                                          .x = rows.data_ptr(),
                                          .scale = Floats(scale),
                                          .shift = Floats(shift),
                                          .y = y.data_ptr()};
    OCELLUS_LAUNCH(ChannelAffine, rows, args);
    return y;
  }
  return at::batch_norm(x, weight, bias, mean, variance, /*training=*/false, 0.0, eps,
                        /*cudnn_enabled=*/false);
}

// What a channel's d_x is made of: (d_y - mean_d_y) of_d_y + (x - mean) of_x.
struct Coefficients {
  torch::Tensor of_d_y, of_x, mean_d_y, mean;  // [C] fp32
};

// With x^ = (x - mean) / deviation and sums over the values of all ranks:
//   d_x = weight / deviation (d_y - sum(d_y) / n - x^ sum(d_y x^) / n)
Coefficients InputCoefficients(const torch::Tensor& weight, const Moments& batch,
                               const torch::Tensor& share_d_y, const torch::Tensor& share_d_y_x,
                               double eps, Collectives& collectives) {
  torch::Tensor sums = torch::stack({share_d_y, share_d_y_x}).to(torch::kFloat64);
  collectives.all_reduce_sum(sums);
  const torch::Tensor rstd = (batch.variance.to(torch::kFloat64) + eps).rsqrt();
  const torch::Tensor scale = weight.defined() ? weight.to(torch::kFloat64) * rstd : rstd;
  const torch::Tensor of_x = -scale * rstd * sums[1] / batch.count;
  return {scale.to(torch::kFloat32), of_x.to(torch::kFloat32),
          (sums[0] / batch.count).to(torch::kFloat32), batch.mean};
}

torch::Tensor InputGradient(const torch::Tensor& d_y, const torch::Tensor& x,
                            const Coefficients& c) {
  if (FitsKernels(x)) {
    const torch::Tensor d_x = torch::empty_like(x);
    const kernels::ChannelGradientArgs args{.shape = RowsOf(x),
                                            .x = x.data_ptr(),
                                            .d_y = d_y.data_ptr(),
                                            .of_d_y = Floats(c.of_d_y),
                                            .of_x = Floats(c.of_x),
                                            .mean_d_y = Floats(c.mean_d_y),
                                            .mean = Floats(c.mean),
                                            .d_x = d_x.data_ptr()};
    OCELLUS_LAUNCH(ChannelGradient, x, args);
    return d_x;
  }
  return ((d_y - PerChannel(c.mean_d_y, x)) * PerChannel(c.of_d_y, x))
      .addcmul_(x - PerChannel(c.mean, x), PerChannel(c.of_x, x))
      .to(x.scalar_type());
}

// Of this rank: gradients of weight and bias, and that of x where ATen has done it.
struct OwnGradients {
  torch::Tensor d_x, d_weight, d_bias;
};

OwnGradients GradientsByKernel(const torch::Tensor& d_y, const torch::Tensor& x,
                               const Moments& batch, const torch::Tensor& rstd) {
  const torch::Tensor sums = torch::empty({2, x.size(1)}, rstd.options());
  const torch::Tensor scratch = ChannelScratch(x);
  const kernels::ChannelGradientSumsArgs args{.shape = RowsOf(x),
                                              .x = x.data_ptr(),
                                              .d_y = d_y.data_ptr(),
                                              .mean = Floats(batch.mean),
                                              .rstd = Floats(rstd),
                                              .sum = Floats(sums[0]),
                                              .sum_x = Floats(sums[1]),
                                              .scratch = Floats(scratch)};
  OCELLUS_LAUNCH(ChannelGradientSums, x, args);
  return {{}, sums[1], sums[0]};
}

OwnGradients GradientsOf(const torch::Tensor& d_y, const torch::Tensor& x,
                         const torch::Tensor& weight, const Moments& batch, double eps,
                         bool alone) {
  const torch::Tensor rstd = (batch.variance + eps).rsqrt();
  if (FitsKernels(x)) return GradientsByKernel(d_y, x, batch, rstd);
  const auto [d_x, d_weight, d_bias] = at::native_batch_norm_backward(
      d_y, x, IfDefined(weight), batch.mean, batch.variance, batch.mean, rstd,
      /*train=*/alone, eps, {alone, true, true});
  return {d_x, d_weight, d_bias};
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
    OwnGradients own = GradientsOf(d_y, x, weight, batch, eps, alone);
    if (!own.d_x.defined()) {
      own.d_x = InputGradient(
          d_y, x, InputCoefficients(weight, batch, own.d_bias, own.d_weight, eps, collectives));
    }
    tensor_list out(7);
    out[0] = own.d_x;
    if (weight.defined()) std::tie(out[1], out[2]) = std::pair(own.d_weight, own.d_bias);
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
