#include "models/objectives/relicv2.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "models/objectives/document.h"
#include "models/objectives/encoders.h"
#include "models/objectives/relicv2_negatives.h"
#include "models/ops/gather.h"
#include "models/registry.h"
#include "worker/wire/fault.h"

namespace ocellus::models::objectives {
namespace {

const RegisterObjective kRelicv2Registered("relicv2", [](const nlohmann::json& document,
                                                         torch::Device device) {
  return std::make_unique<Relicv2>(document, device);
});

// One view of all images: [n, views, D] to [n, D].
torch::Tensor View(const torch::Tensor& views, int64_t index) { return views.select(1, index); }

// The step's draw for a pair of views.
std::string NegativesOf(int64_t pair) { return "negatives_" + std::to_string(pair); }

}  // namespace

Relicv2::Relicv2(const nlohmann::json& document, torch::Device device)
    : settings_(ParseRelicv2Settings(document)), compute_(ParsePrecision(document)) {
  NamedEncoder online = MakeEncoder(document, "relicv2"), target = MakeEncoder(document, "relicv2");
  image_size_ = static_cast<int>(online.image_size);
  any_size_ = online.any_size;
  if (settings_.small_views > 0 && !any_size_ && settings_.small_size != image_size_) {
    throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC",
                      "objective.relicv2.small_size: " + std::to_string(settings_.small_size) +
                          " is not the size that model.vit takes, " + std::to_string(image_size_),
                      "give that size, small_views: 0, or model.resnet");
  }
  metadata_ = std::move(online.metadata);
  network_ = std::make_shared<Relicv2Network>(settings_, online.module, target.module);
  network_->to(device);
}

std::vector<std::string> Relicv2::views() const {
  std::vector<std::string> names;
  const auto add = [&](const char* kind, int64_t count) {
    for (int64_t i = 0; i < count; ++i) names.push_back(kind + std::to_string(i));
  };
  add("large_", settings_.large_views);
  add("small_", settings_.small_views);
  return names;
}

InputWishes Relicv2::inputs() const {
  InputWishes wishes;
  // Large views take BYOL's two presets in turn.
  for (int64_t i = 0; i < settings_.large_views; ++i) {
    wishes.views.push_back({.name = views()[i],
                            .size = image_size_,
                            .kind = i % 2 == 0 ? "" : "second",
                            .any_size = any_size_});
  }
  for (int64_t i = 0; i < settings_.small_views; ++i) {
    wishes.views.push_back({.name = views()[settings_.large_views + i],
                            .size = static_cast<int>(settings_.small_size),
                            .kind = "small",
                            .any_size = any_size_});
  }
  wishes.replay = {{"negatives", settings_.num_negatives}};
  return wishes;
}

void Relicv2::initialise(torch::Generator generator) { network_->Initialise(generator); }

ops::RelicCandidates Relicv2::Candidates(const Tensors& inputs, const StepContext& context,
                                         int64_t pair, int64_t rows) const {
  const torch::Device device = inputs.at("large_0").device();
  const int64_t first = context.collectives->rank() * rows;
  const int64_t batch = context.collectives->world() * rows;
  ops::RelicCandidates candidates{.own = torch::arange(first, first + rows, device)};

  const auto given = inputs.find("negatives"), drawn = inputs.find(NegativesOf(pair));
  if (given != inputs.end()) {
    candidates.chosen = GivenNegatives(given->second, first, batch).to(device);
  } else if (drawn != inputs.end()) {
    candidates.chosen = drawn->second;
  } else if (settings_.num_negatives < batch - 1) {
    const NegativesDraw draw{context.seed, context.step, context.micro, pair};
    candidates.chosen = DrawNegatives(draw, first, rows, batch, settings_.num_negatives).to(device);
  }
  return candidates;
}

Tensors Relicv2::step_draws(const StepContext& context, int64_t rows) const {
  const int64_t first = context.collectives->rank() * rows;
  const int64_t batch = context.collectives->world() * rows;
  Tensors draws;
  if (settings_.num_negatives >= batch - 1) return draws;  // all of them
  for (int64_t a = 0; a < settings_.large_views + settings_.small_views; ++a) {
    for (int64_t b = 0; b < settings_.large_views; ++b) {
      if (!Compares(a, b)) continue;
      const int64_t pair = a * settings_.large_views + b;
      const NegativesDraw draw{context.seed, context.step, context.micro, pair};
      draws[NegativesOf(pair)] = DrawNegatives(draw, first, rows, batch, settings_.num_negatives);
    }
  }
  return draws;
}

StepOutput Relicv2::forward(const Tensors& inputs, const StepContext& context) {
  const nn::Pass pass{compute_, context.collectives};
  std::vector<torch::Tensor> seen, aims;
  for (const std::string& name : views()) {
    seen.push_back(network_->online().forward(inputs.at(name), pass));
  }
  for (int64_t b = 0; b < settings_.large_views; ++b) {
    const torch::NoGradGuard no_grad;
    aims.push_back(network_->target().forward(inputs.at(views()[b]), pass));
  }

  // All views of an image in one exchange.
  const torch::Tensor online = torch::stack(seen, 1), target = torch::stack(aims, 1);
  const torch::Tensor all_online = ops::AllGather(online, *context.collectives);
  const torch::Tensor all_target = context.collectives->all_gather(target);

  std::vector<torch::Tensor> likelihoods, divergences;
  for (int64_t a = 0; a < online.size(1); ++a) {
    for (int64_t b = 0; b < settings_.large_views; ++b) {
      if (!Compares(a, b)) continue;
      const int64_t pair = a * settings_.large_views + b;
      const ops::RelicTerms terms = ops::RelicPairTerms(
          {View(online, a), View(target, b), View(all_online, a), View(all_target, b)},
          Candidates(inputs, context, pair, online.size(0)), settings_.temperature,
          settings_.divergence);
      likelihoods.push_back(terms.log_likelihood);
      const bool large = a < settings_.large_views;
      if (large || settings_.small_divergence) divergences.push_back(terms.kl);
    }
  }
  const torch::Tensor log_likelihood = torch::stack(likelihoods).mean();
  const torch::Tensor kl = torch::stack(divergences).mean();

  torch::Tensor loss = -settings_.alpha * log_likelihood;
  if (settings_.beta != 0) loss = loss + settings_.beta * kl;
  return {.loss = loss,
          .outputs = {{"log_likelihood", log_likelihood.detach()}, {"kl", kl.detach()}}};
}

double Relicv2::average_momentum(const StepContext& context) const {
  return settings_.momentum.At(context.step, context.total_steps);
}

void Relicv2::after_step(const StepContext& context) {
  network_->Follow(average_momentum(context), context.numbers);
}

torch::Tensor Relicv2::features(const torch::Tensor& images) {
  const torch::NoGradGuard no_grad;
  return network_->online().encoder()->forward(images, {});
}

Tensors Relicv2::encoder_weights() { return EncoderState(*network_->online().encoder()); }

std::optional<double> Relicv2::chance_loss(int64_t global_batch) const {
  const int64_t candidates = std::min(settings_.num_negatives + 1, global_batch);
  return settings_.alpha * std::log(static_cast<double>(candidates));
}

}  // namespace ocellus::models::objectives
