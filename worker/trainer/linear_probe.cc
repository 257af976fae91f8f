#include "worker/trainer/linear_probe.h"

#include <tuple>

namespace ocellus::trainer {
namespace {

constexpr double kVarianceEpsilon = 1e-6;

struct Labelled {
  torch::Tensor features;  // [n, dim]
  torch::Tensor labels;    // [n]
};

Labelled OnlyLabelled(const LabelledFeatures& all) {
  const torch::Tensor labels = torch::tensor(all.labels, torch::kLong);
  const torch::Tensor chosen = labels.ge(0).nonzero().flatten();
  return {all.features.index_select(0, chosen).to(torch::kFloat32), labels.index_select(0, chosen)};
}

torch::Tensor Scores(const torch::Tensor& inputs, const torch::Tensor& weights) {
  const int64_t dim = inputs.size(1);
  return torch::addmm(weights.select(1, dim), inputs, weights.narrow(1, 0, dim).t());
}

}  // namespace

torch::Tensor FitLogistic(const torch::Tensor& inputs, const torch::Tensor& labels, int64_t classes,
                          const ProbeSettings& settings) {
  const torch::NoGradGuard no_grad;
  const int64_t count = inputs.size(0), dim = inputs.size(1);
  const torch::Tensor wanted = torch::one_hot(labels, classes).to(inputs.scalar_type());
  torch::Tensor weights = torch::zeros({classes, dim + 1}, inputs.options()).requires_grad_(true);
  weights.mutable_grad() = torch::zeros_like(weights);

  // The optimizer turns gradients on for the closure: the gradient would become part of a graph
  // that holds its own weights, and both would live for ever.
  const auto loss_and_gradient = [&] {
    const torch::NoGradGuard none;
    const torch::Tensor log_shares = Scores(inputs, weights).log_softmax(1);
    const torch::Tensor error = (log_shares.exp() - wanted) / static_cast<double>(count);
    torch::Tensor gradient = weights.mutable_grad();
    const torch::Tensor plain = weights.narrow(1, 0, dim);
    gradient.narrow(1, 0, dim).copy_(error.t().mm(inputs) + settings.l2 * plain);
    gradient.select(1, dim).copy_(error.sum(0));
    return -(log_shares * wanted).sum() / static_cast<double>(count) +
           settings.l2 / 2 * plain.square().sum();
  };
  torch::optim::LBFGS optimizer({weights}, torch::optim::LBFGSOptions(1)
                                               .max_iter(settings.iterations)
                                               .max_eval(settings.iterations * 5 / 4)
                                               .history_size(10)
                                               .tolerance_grad(1e-5)
                                               .tolerance_change(1e-9)
                                               .line_search_fn("strong_wolfe"));
  optimizer.step(loss_and_gradient);
  return weights.detach();
}

std::optional<double> LinearProbe(const LabelledFeatures& bank, const LabelledFeatures& queries,
                                  const ProbeSettings& settings) {
  const torch::NoGradGuard no_grad;
  const Labelled known = OnlyLabelled(bank), asked = OnlyLabelled(queries);
  if (settings.iterations == 0 || known.labels.numel() == 0 || asked.labels.numel() == 0) {
    return std::nullopt;
  }
  if (!known.features.isfinite().all().item<bool>() ||
      !asked.features.isfinite().all().item<bool>()) {
    return std::nullopt;
  }
  const torch::Tensor mean = known.features.mean(0);
  const torch::Tensor scale =
      (known.features.var(0, /*unbiased=*/false) + kVarianceEpsilon).rsqrt();

  // Labels may leave numbers out.
  torch::Tensor names, places, counts;
  std::tie(names, places, counts) = torch::_unique2(known.labels, true, true);
  const torch::Tensor weights =
      FitLogistic((known.features - mean) * scale, places, names.numel(), settings);
  const torch::Tensor guessed = Scores((asked.features - mean) * scale, weights).argmax(1);
  return names.index_select(0, guessed).eq(asked.labels).to(torch::kDouble).mean().item<double>();
}

}  // namespace ocellus::trainer
