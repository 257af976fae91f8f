// Optimizers over the parameters of a ViT-S/16, 22 million numbers.
#include "models/optim/adamw.h"
#include "models/optim/clip.h"
#include "models/optim/lars.h"
#include "tools/bench/kernel_cases.h"

namespace ocellus::bench {
namespace {

using models::optim::NamedParameter;
using models::optim::Optimizer;
using Tensors = std::vector<torch::Tensor>;

constexpr double kRate = 1e-4;
constexpr double kMomentum = 0.99;
constexpr double kDecay = 0.05;

struct Model {
  std::vector<NamedParameter> parameters;
  std::map<std::string, torch::Tensor> averages;

  void Add(torch::IntArrayRef shape) {
    const std::string name = std::to_string(parameters.size());
    parameters.push_back({name, Leaf(shape)});
    parameters.back().tensor.mutable_grad() = torch::randn(shape);
    averages[name] = torch::randn(shape);
  }
};

std::shared_ptr<Model> VitSmall() {
  auto model = std::make_shared<Model>();
  model->Add({384, 768});
  for (int block = 0; block < 12; ++block) {
    for (const auto& [out, in] : {std::pair{1152, 384}, {384, 384}, {1536, 384}, {384, 1536}}) {
      model->Add({out, in});
      model->Add({out});
    }
    for (int i = 0; i < 4; ++i) model->Add({384});
  }
  return model;
}

// The same tensors as ATen's list operators want them: without and with decay.
struct Lists {
  Tensors parameters, gradients, averages, first, second, steps;
};

std::shared_ptr<std::array<Lists, 2>> ListsOf(const Model& model) {
  auto lists = std::make_shared<std::array<Lists, 2>>();
  for (const auto& [name, tensor] : model.parameters) {
    Lists& list = (*lists)[tensor.dim() >= 2 ? 1 : 0];
    list.parameters.push_back(tensor.detach());
    list.gradients.push_back(tensor.grad());
    list.averages.push_back(model.averages.at(name));
    list.first.push_back(torch::zeros_like(tensor));
    list.second.push_back(torch::zeros_like(tensor));
    list.steps.push_back(torch::ones({}));
  }
  return lists;
}

void AtenAdamW(std::array<Lists, 2>& lists, const Tensors (&gradients)[2]) {
  for (int i = 0; i < 2; ++i) {
    Lists& list = lists[i];
    at::_fused_adamw_(list.parameters, gradients[i], list.first, list.second, {}, list.steps, kRate,
                      0.9, 0.95, i == 0 ? 0 : kDecay, 1e-8, false, false);
  }
}

void AtenAverages(std::array<Lists, 2>& lists) {
  for (Lists& list : lists) at::_foreach_lerp_(list.averages, list.parameters, 1 - kMomentum);
}

Case AdamWCase(const std::string& name, bool averages, bool clips) {
  const auto model = VitSmall();
  const std::shared_ptr<Optimizer> own = models::optim::MakeAdamW(
      model->parameters, {.beta1 = 0.9, .beta2 = 0.95, .weight_decay = kDecay});
  own->Follow(model->averages);
  const auto lists = ListsOf(*model);
  return {name,
          [=] {
            models::optim::StepOptions options;
            if (averages) options.average_momentum = kMomentum;
            if (clips) {
              const torch::Tensor norm = models::optim::GradientNorm(model->parameters);
              options.gradient_factor = models::optim::ClipFactor(norm, 1.0);
            }
            own->Step(kRate, options);
          },
          [=] {
            const torch::NoGradGuard no_grad;
            Tensors gradients[2] = {(*lists)[0].gradients, (*lists)[1].gradients};
            if (clips) {
              Tensors all = gradients[0];
              all.insert(all.end(), gradients[1].begin(), gradients[1].end());
              const torch::Tensor norm =
                  torch::linalg_vector_norm(torch::stack(at::_foreach_norm(all)));
              // Scaling in place would make them smaller each time.
              for (Tensors& list : gradients) {
                list = at::_foreach_mul(list, (1.0 / (norm + 1e-6)).clamp_max(1.0));
              }
            }
            AtenAdamW(*lists, gradients);
            if (averages) AtenAverages(*lists);
          }};
}

void AtenLars(std::array<Lists, 2>& lists) {
  for (int i = 0; i < 2; ++i) {
    Lists& list = lists[i];
    Tensors updates = list.gradients;
    if (i == 1) {
      updates = at::_foreach_add(updates, list.parameters, kDecay);
      const torch::Tensor sizes = torch::stack(at::_foreach_norm(list.parameters));
      const torch::Tensor steepness = torch::stack(at::_foreach_norm(updates));
      at::_foreach_mul_(updates, (0.001 * sizes / steepness).unbind());
    }
    at::_foreach_mul_(list.first, 0.9);
    at::_foreach_add_(list.first, updates);
    at::_foreach_add_(list.parameters, list.first, -kRate);
  }
}

Case LarsCase() {
  const auto model = VitSmall();
  const std::shared_ptr<Optimizer> own =
      models::optim::MakeLars(model->parameters, {.weight_decay = kDecay});
  own->Follow(model->averages);
  const auto lists = ListsOf(*model);
  return {"lars_average", [=] { own->Step(kRate, {.average_momentum = kMomentum}); },
          [=] {
            const torch::NoGradGuard no_grad;
            AtenLars(*lists);
            AtenAverages(*lists);
          }};
}

Case NormCase() {
  const auto model = VitSmall();
  const auto lists = ListsOf(*model);
  return {"gradient_norm", [=] { models::optim::GradientNorm(model->parameters); },
          [=] {
            Tensors all = (*lists)[0].gradients;
            all.insert(all.end(), (*lists)[1].gradients.begin(), (*lists)[1].gradients.end());
            torch::linalg_vector_norm(torch::stack(at::_foreach_norm(all)));
          }};
}

}  // namespace

std::vector<Case> OptimizerCases() {
  return {AdamWCase("adamw", false, false), AdamWCase("adamw_average", true, false),
          AdamWCase("adamw_clip_average", true, true), LarsCase(), NormCase()};
}

}  // namespace ocellus::bench
