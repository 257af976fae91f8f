#include "models/ops/relic_loss.h"

#include "models/ops/launch.h"
#include "models/ops/matrix_product.h"

namespace ocellus::models::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

// [n, C]: log-probabilities of each anchor's candidates.
torch::Tensor LogProbabilities(const torch::Tensor& anchors, const torch::Tensor& others,
                               const torch::Tensor& chosen, double temperature) {
  torch::Tensor scores = torch::matmul(anchors, others.t()) / temperature;
  if (chosen.defined()) scores = scores.gather(1, chosen);
  return scores.log_softmax(1);
}

// [n].
torch::Tensor Divergence(const torch::Tensor& log_p, const torch::Tensor& log_q,
                         RelicDivergence kind) {
  if (kind == RelicDivergence::kSoftLabel) {
    const torch::Tensor label = log_q.detach();
    return (label.exp() * (label - log_p)).sum(1);
  }
  const torch::Tensor p = log_p.exp();
  const torch::Tensor entropy = (p * log_p).sum(1);
  return (kind == RelicDivergence::kFull ? entropy : entropy.detach()) - (p * log_q).sum(1);
}

RelicTerms ByAten(const RelicSides& sides, const RelicCandidates& candidates, double temperature,
                  RelicDivergence divergence) {
  const torch::Tensor& chosen = candidates.chosen;
  const torch::Tensor log_p = LogProbabilities(sides.online, sides.all_target, chosen, temperature);
  const torch::Tensor log_q = LogProbabilities(sides.target, sides.all_online, chosen, temperature);

  const torch::Tensor itself =
      chosen.defined() ? log_p.select(1, 0) : log_p.gather(1, candidates.own.unsqueeze(1));
  return {.log_likelihood = itself.mean(), .kl = Divergence(log_p, log_q, divergence).mean()};
}

kernels::EmbeddingRows RowsOf(const torch::Tensor& rows) { return {Floats(rows), rows.stride(0)}; }

// Rows may have gaps, what is in a row may not.
torch::Tensor WithDenseRows(const torch::Tensor& rows) {
  return rows.size(1) == 1 || rows.stride(1) == 1 ? rows : rows.contiguous();
}

// Which places chose which of the others.
struct Inverse {
  torch::Tensor first, places;
};

Inverse Invert(const torch::Tensor& chosen, int64_t others) {
  const torch::Tensor flat = chosen.flatten();
  if (chosen.is_cpu()) {
    const Inverse inverse{torch::empty({others + 1}, torch::kInt64), torch::empty_like(flat)};
    kernels::InvertChoices(flat.data_ptr<int64_t>(), flat.numel(), others,
                           inverse.first.data_ptr<int64_t>(), inverse.places.data_ptr<int64_t>());
    return inverse;
  }
  const auto [sorted, places] = flat.sort(/*stable=*/true, 0, /*descending=*/false);
  return {torch::searchsorted(sorted, torch::arange(others + 1, flat.options())), places};
}

// What the function is of, in the order of its arguments.
struct Inputs {
  torch::Tensor online, all_online, target, all_target, own, chosen;

  tensor_list List() const { return {online, all_online, target, all_target, own, chosen}; }
};

struct Settings {
  double scale;
  int64_t divergence;
};

kernels::RelicShape ShapeOf(const Inputs& in, const torch::Tensor& log_p, const Settings& s) {
  return {.rows = log_p.size(0),
          .candidates = log_p.size(1),
          .width = in.online.size(1),
          .scale = static_cast<float>(s.scale),
          .divergence = static_cast<RelicDivergence>(s.divergence),
          .chosen = in.chosen.defined() ? in.chosen.data_ptr<int64_t>() : nullptr,
          .own = in.own.data_ptr<int64_t>()};
}

// Holds what the kernel writes for the gradients, and asks it.
struct RelicGradients {
  RelicGradients(const Inputs& in, bool wants_all)
      : others(in.all_online.size(0)), chosen(in.chosen.defined()), wants_all(wants_all) {
    const auto options = in.online.options().requires_grad(false);
    if (chosen) d_online = torch::empty(in.online.sizes(), options);
    if (!chosen || !wants_all) return;
    inverse = Invert(in.chosen, others);
    d_all_online = torch::empty(in.all_online.sizes(), options);
  }

  kernels::RelicBackwardArgs Args() const {
    return {.d_p = Floats(d_p),
            .d_q = Floats(d_q),
            .d_online = Floats(d_online),
            .others = others,
            .first = inverse.first.defined() ? inverse.first.data_ptr<int64_t>() : nullptr,
            .places = inverse.places.defined() ? inverse.places.data_ptr<int64_t>() : nullptr,
            .d_all_online = Floats(d_all_online)};
  }

  int64_t others;
  bool chosen, wants_all;
  torch::Tensor d_p, d_q, d_online, d_all_online;
  Inverse inverse;
};

void RunBackward(const Inputs& in, const Settings& settings, const tensor_list& log_p_and_q,
                 const tensor_list& d_terms, RelicGradients& g) {
  const torch::Tensor d_likelihood = d_terms[0].contiguous(), d_kl = d_terms[1].contiguous();
  g.d_p = torch::empty_like(log_p_and_q[0]);
  if (g.wants_all) g.d_q = torch::empty_like(log_p_and_q[1]);
  kernels::RelicBackwardArgs args = g.Args();
  args.shape = ShapeOf(in, log_p_and_q[0], settings);
  args.log_p = Floats(log_p_and_q[0]);
  args.log_q = Floats(log_p_and_q[1]);
  args.d_likelihood = Floats(d_likelihood);
  args.d_kl = Floats(d_kl);
  args.target = RowsOf(in.target);
  args.all_target = RowsOf(in.all_target);
  OCELLUS_LAUNCH(RelicBackward, g.d_p, args);
  if (g.chosen) return;
  g.d_online = InputGradient(g.d_p, in.all_target.contiguous());
  if (g.wants_all) g.d_all_online = WeightGradient(g.d_q, in.target.contiguous());
}

struct RelicFunction : torch::autograd::Function<RelicFunction> {
  // Likelihood and divergence of each image.
  static tensor_list forward(AutogradContext* context, const torch::Tensor& online,
                             const torch::Tensor& all_online, const torch::Tensor& target,
                             const torch::Tensor& all_target, const torch::Tensor& own,
                             const std::optional<torch::Tensor>& chosen, double scale,
                             int64_t divergence) {
    const Inputs in{online, all_online, target, all_target, own, chosen.value_or(torch::Tensor())};
    const auto options = online.options();
    const torch::Tensor log_p =
        chosen ? torch::empty(chosen->sizes(), options)
               : ProductTransposed(online.contiguous(), all_target.contiguous());
    const torch::Tensor log_q =
        chosen ? torch::empty(chosen->sizes(), options)
               : ProductTransposed(target.contiguous(), all_online.contiguous());
    const torch::Tensor likelihood = torch::empty({online.size(0)}, options);
    const torch::Tensor kl = torch::empty_like(likelihood);
    const kernels::RelicForwardArgs args{.shape = ShapeOf(in, log_p, {scale, divergence}),
                                         .online = RowsOf(online),
                                         .target = RowsOf(target),
                                         .all_online = RowsOf(all_online),
                                         .all_target = RowsOf(all_target),
                                         .log_p = Floats(log_p),
                                         .log_q = Floats(log_q),
                                         .likelihood = Floats(likelihood),
                                         .kl = Floats(kl)};
    OCELLUS_LAUNCH(RelicForward, online, args);
    tensor_list saved = in.List();
    saved.insert(saved.end(), {log_p, log_q});
    context->save_for_backward(saved);
    context->saved_data["scale"] = scale;
    context->saved_data["divergence"] = divergence;
    return {likelihood, kl};
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& d_terms) {
    const tensor_list saved = context->get_saved_variables();
    const Inputs in{saved[0], saved[1], saved[2], saved[3], saved[4], saved[5]};
    const Settings settings{context->saved_data["scale"].toDouble(),
                            context->saved_data["divergence"].toInt()};
    RelicGradients g(in, context->needs_input_grad(1));
    RunBackward(in, settings, {saved[6], saved[7]}, d_terms, g);
    tensor_list out(8);
    out[0] = g.d_online;
    out[1] = g.d_all_online;
    return out;
  }
};

bool FitKernel(const RelicSides& sides) {
  if (!UseKernels() || sides.online.numel() == 0) return false;
  for (const torch::Tensor& rows :
       {sides.online, sides.target, sides.all_online, sides.all_target}) {
    if (rows.scalar_type() != torch::kFloat32 || rows.device() != sides.online.device())
      return false;
  }
  return true;
}

}  // namespace

RelicTerms RelicPairTerms(const RelicSides& sides, const RelicCandidates& candidates,
                          double temperature, RelicDivergence divergence) {
  if (!FitKernel(sides)) return ByAten(sides, candidates, temperature, divergence);
  const bool teaches = divergence == RelicDivergence::kSoftLabel;
  const tensor_list terms = RelicFunction::apply(
      WithDenseRows(sides.online),
      WithDenseRows(teaches ? sides.all_online.detach() : sides.all_online),
      WithDenseRows(sides.target.detach()), WithDenseRows(sides.all_target.detach()),
      candidates.own,
      IfDefined(candidates.chosen.defined() ? candidates.chosen.contiguous() : torch::Tensor()),
      1 / temperature, static_cast<int64_t>(divergence));
  return {.log_likelihood = terms[0].mean(), .kl = terms[1].mean()};
}

}  // namespace ocellus::models::ops
