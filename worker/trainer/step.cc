#include "worker/trainer/step.h"

#include <cmath>

#include "models/optim/clip.h"
#include "worker/trainer/agreement.h"

namespace ocellus::trainer {
namespace {

std::vector<torch::Tensor> TensorsOf(const std::vector<models::optim::NamedParameter>& parameters) {
  std::vector<torch::Tensor> tensors;
  for (const auto& parameter : parameters) tensors.push_back(parameter.tensor);
  return tensors;
}

dist::BucketSizes SizesFor(torch::Device device) {
  if (device.is_cuda()) return {int64_t{1} << 20, int64_t{25} << 20};
  return {};
}

}  // namespace

Step::Step(models::Objective& objective, models::optim::Optimizer& optimizer,
           const models::optim::Schedule& schedule, dist::Communicator& ranks, int64_t accumulate,
           double clip_norm, Profile* profile)
    : objective_(objective),
      optimizer_(optimizer),
      schedule_(schedule),
      ranks_(ranks),
      accumulate_(accumulate),
      clip_norm_(clip_norm),
      profile_(profile),
      parameters_(models::optim::TrainableParameters(objective.module())),
      reducer_(TensorsOf(parameters_), ranks, SizesFor(parameters_.at(0).tensor.device())) {
  const models::Tensors averages = objective.hand_over_averages();
  optimizer.Follow(averages);
  moves_averages_ = !averages.empty();
}

Computed Step::Backward(const models::StepContext& context, const NextInputs& next) {
  Computed computed = Compute(context, next);
  grad_norm_ = computed.grad_norm;
  return computed;
}

Computed Step::Compute(const models::StepContext& context, const NextInputs& next) {
  Computed computed;
  reducer_.ZeroGradients();
  for (int64_t micro = 0; micro < accumulate_; ++micro) {
    const models::Tensors inputs = next();
    models::StepContext here = context;
    here.micro = micro;
    Enter(profile_, "forward");
    models::StepOutput output = objective_.forward(inputs, here);
    const torch::Tensor share = output.loss / static_cast<double>(accumulate_);

    Enter(profile_, "backward");
    if (micro + 1 == accumulate_) reducer_.ReduceNextBackward();
    share.backward();

    const torch::Tensor value = share.detach();
    computed.loss = computed.loss.defined() ? computed.loss + value : value;
    computed.outputs.push_back(std::move(output.outputs));
    computed.metrics = std::move(output.metrics);
  }
  Enter(profile_, "reduction");
  reducer_.Finish();
  Enter(profile_, "guard");
  computed.grad_norm = models::optim::GradientNorm(parameters_);
  return computed;
}

Verdict Step::Judge(const Computed& computed, const Votes& wishes) {
  const double loss = computed.loss.item<double>();
  Verdict verdict;
  verdict.grad_norm = computed.grad_norm.item<double>();
  const bool finite = std::isfinite(loss) && std::isfinite(verdict.grad_norm);
  torch::Tensor votes =
      torch::tensor({loss, finite ? 0.0 : 1.0, wishes.stop ? 1.0 : 0.0, wishes.save ? 1.0 : 0.0},
                    computed.loss.options().dtype(torch::kDouble));
  ranks_.all_reduce_sum(votes);
  votes = votes.cpu();
  verdict.loss = votes[0].item<double>() / ranks_.world();
  verdict.finite = votes[1].item<double>() == 0;
  verdict.stop = votes[2].item<double>() > 0;
  verdict.save = votes[3].item<double>() > 0;
  return verdict;
}

void Step::RunAhead(const std::function<void(const std::string&)>& say, MakeRecorder make) {
  const torch::Device device = parameters_.at(0).tensor.device();
  ballot_ = std::make_unique<Ballot>(ranks_);
  sent_ = std::make_unique<SentNumbers>(device);
  if (!make && !device.is_cuda()) return;
  if (profile_) {
    say("steps are not CUDA graphs: a profile looks into them");
  } else if (!objective_.repeatable()) {
    say("steps are not CUDA graphs: this objective's work differs from step to step");
  } else {
    graph_ = std::make_unique<StepGraph>(
        StepGraphParts{.make = make ? std::move(make) : CudaGraphs(),
                       .changes = [this] { return WhatChanges(); },
                       .all_say = [this, device](bool yes) { return AllSay(ranks_, device, yes); },
                       .say = say});
  }
}

TensorsByKind Step::WhatChanges() const {
  TensorsByKind changes;
  changes["parameters"] = objective_.module().parameters();
  changes["buffers"] = objective_.module().buffers();
  for (const auto& [name, tensor] : optimizer_.OwnState()) {
    changes[name.substr(0, name.find('.'))].push_back(tensor);
  }
  return changes;
}

models::Tensors Step::WithDraws(models::Tensors inputs, const models::StepContext& context) const {
  const torch::Device device = parameters_.at(0).tensor.device();
  for (auto& [name, draw] : objective_.step_draws(context, inputs.begin()->second.size(0))) {
    const torch::Tensor host = device.is_cuda() ? draw.pin_memory() : draw;
    inputs[name] = host.to(device, /*non_blocking=*/true);
  }
  return inputs;
}

Step::Advanced Step::Advance(const models::StepContext& context, const NextInputs& next,
                             const Votes& wishes) {
  models::StepContext here = context;
  const NextInputs with_draws = [&] {
    models::Tensors inputs = WithDraws(next(), here);
    ++here.micro;
    return inputs;
  };
  sent_->Send({Rate(context.step), objective_.average_momentum(context)}, wishes);
  models::StepContext sent = context;
  sent.numbers = sent_->numbers();

  Advanced advanced;
  if (graph_) {
    std::vector<models::Tensors> inputs;
    for (int64_t micro = 0; micro < accumulate_; ++micro) inputs.push_back(with_draws());
    advanced.computed =
        graph_->Run(inputs, [this, sent](const std::vector<models::Tensors>& given) {
          auto each = given.begin();
          return WholeStep(sent, [&each] { return *each++; });
        });
  } else {
    advanced.computed = WholeStep(sent, with_draws);
  }
  ballot_->Cast(context.step, advanced.computed.tally);
  if (ballot_->waiting() > 1) advanced.verdict = ballot_->Read();
  return advanced;
}

// All of it on the device: what it takes from the host is in `context`, but for context.numbers and
// what is drawn, the same at each step.
Computed Step::WholeStep(const models::StepContext& context, const NextInputs& next) {
  Computed computed = Backward(context, next);
  const Ballot::Tally tally = ballot_->Count(computed, sent_->wishes());
  computed.tally = tally.numbers;
  soundness_ = tally.soundness;
  Update(context);
  return computed;
}

std::optional<Verdict> Step::Settle() {
  if (!ballot_ || ballot_->waiting() == 0) return std::nullopt;
  return ballot_->Read();
}

void Step::Update(const models::StepContext& context) {
  const torch::NoGradGuard no_grad;
  Enter(profile_, "optimizer");
  models::optim::StepOptions options;
  options.gradient_factor = soundness_;
  if (clip_norm_ > 0) {
    const torch::Tensor clip = models::optim::ClipFactor(grad_norm_, clip_norm_);
    options.gradient_factor = soundness_.defined() ? clip * soundness_ : clip;
  }
  if (moves_averages_) options.average_momentum = objective_.average_momentum(context);
  options.numbers = context.numbers;
  optimizer_.Step(Rate(context.step), options);
  Enter(profile_, "average");
  objective_.after_step(context);
}

}  // namespace ocellus::trainer
