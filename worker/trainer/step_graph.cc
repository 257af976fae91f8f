#include "worker/trainer/step_graph.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "models/ops/flops.h"

namespace ocellus::trainer {
namespace {

// As many calls let libraries choose their algorithms and allocate, and NCCL connect. PyTorch asks
// for eleven under DistributedDataParallel, which sorts its buckets anew after the first steps;
// ours (worker/dist/gradient_reducer.h) are what they are before the first.
constexpr int64_t kPlainCalls = 3;
// Sums may be added in another order.
constexpr double kAgreement = 1e-2;
// Of what a step moves a kind of tensors by: where a gradient is nothing but rounding, as that of a
// key's bias is, AdamW makes it a step.
constexpr double kMoveAgreement = 0.1;

bool Alike(const torch::Tensor& a, const torch::Tensor& b) {
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() && a.device() == b.device();
}

bool Agree(double a, double b) {
  return std::abs(a - b) <= kAgreement * std::max(std::abs(a), std::abs(b));
}

// Copies on the host.
TensorsByKind Copies(const TensorsByKind& live) {
  TensorsByKind copies;
  for (const auto& [kind, tensors] : live) {
    std::vector<torch::Tensor>& own = copies[kind];
    for (const torch::Tensor& tensor : tensors) {
      own.push_back(tensor.detach().to(torch::kCPU, tensor.scalar_type(),
                                       /*non_blocking=*/false,
                                       /*copy=*/true));
    }
  }
  return copies;
}

void PutBack(const TensorsByKind& live, const TensorsByKind& copies) {
  const torch::NoGradGuard no_grad;
  for (const auto& [kind, tensors] : live) {
    for (size_t i = 0; i < tensors.size(); ++i) tensors[i].detach().copy_(copies.at(kind)[i]);
  }
}

double SquaredDistance(const torch::Tensor& a, const torch::Tensor& b) {
  return (a.detach() - b.to(a.device())).to(torch::kFloat64).square().sum().item<double>();
}

// Whether one kind has come from `before` to where it is now as it had come to `wanted`; whole
// numbers exactly.
bool MovedAlike(const std::vector<torch::Tensor>& now, const std::vector<torch::Tensor>& before,
                const std::vector<torch::Tensor>& wanted) {
  double apart = 0, moved = 0;
  for (size_t i = 0; i < now.size(); ++i) {
    if (!now[i].is_floating_point()) {
      if (!torch::equal(now[i].cpu(), wanted[i])) return false;
      continue;
    }
    apart += SquaredDistance(now[i], wanted[i]);
    moved += SquaredDistance(wanted[i], before[i]);
  }
  return std::sqrt(apart) <= kMoveAgreement * std::sqrt(moved);
}

bool MovedAlike(const TensorsByKind& now, const TensorsByKind& before,
                const TensorsByKind& wanted) {
  return std::all_of(now.begin(), now.end(), [&](const auto& item) {
    return MovedAlike(item.second, before.at(item.first), wanted.at(item.first));
  });
}

}  // namespace

struct StepGraph::Record {
  std::vector<models::Tensors> inputs;  // what it reads
  Computed computed;                    // what it writes
  StepBody body;
  double flops = 0;
  std::unique_ptr<Recorder> recorder;

  bool Fits(const std::vector<models::Tensors>& given) const;
  void Make(const std::vector<models::Tensors>& given);
  Computed Replay(const std::vector<models::Tensors>& given);
};

bool StepGraph::Record::Fits(const std::vector<models::Tensors>& given) const {
  if (given.size() != inputs.size()) return false;
  for (size_t i = 0; i < given.size(); ++i) {
    if (given[i].size() != inputs[i].size()) return false;
    for (const auto& [name, own] : inputs[i]) {
      const auto at = given[i].find(name);
      if (at == given[i].end() || !Alike(own, at->second)) return false;
    }
  }
  return true;
}

void StepGraph::Record::Make(const std::vector<models::Tensors>& given) {
  for (const models::Tensors& tensors : given) {
    models::Tensors& own = inputs.emplace_back();
    for (const auto& [name, tensor] : tensors) own[name] = tensor.clone();
  }
  const double before = models::ops::CountedFlops();
  recorder->Record([this] { computed = body(inputs); });
  flops = models::ops::CountedFlops() - before;
  models::ops::CountFlops(-flops);  // nothing was computed yet
}

Computed StepGraph::Record::Replay(const std::vector<models::Tensors>& given) {
  for (size_t i = 0; i < given.size(); ++i) {
    for (auto& [name, own] : inputs[i]) own.copy_(given[i].at(name), /*non_blocking=*/true);
  }
  recorder->Replay();
  models::ops::CountFlops(flops);
  return computed;
}

StepGraph::StepGraph(StepGraphParts parts) : parts_(std::move(parts)) {
  if (!parts_.make) GiveUp("this trainer was built without CUDA");
}

StepGraph::~StepGraph() = default;

Computed StepGraph::Run(const std::vector<models::Tensors>& inputs, const StepBody& body) {
  if (record_ && record_->Fits(inputs)) return record_->Replay(inputs);
  if (record_ || given_up_ || ++calls_ <= kPlainCalls) return body(inputs);
  return RunAndRecord(inputs, body);
}

Computed StepGraph::RunAndRecord(const std::vector<models::Tensors>& inputs, const StepBody& body) {
  const TensorsByKind live = parts_.changes();
  const TensorsByKind before = Copies(live);
  const Computed plain = body(inputs);
  const TensorsByKind wanted = Copies(live);
  const double loss = plain.loss.item<double>(), norm = plain.grad_norm.item<double>();
  // A step that is refused shows nothing; the next one will do.
  if (!parts_.all_say(std::isfinite(loss) && std::isfinite(norm))) return plain;

  PutBack(live, before);
  auto record = std::make_unique<Record>();
  std::string problem;
  try {
    record->body = body;
    record->recorder = parts_.make();
    record->Make(inputs);
  } catch (const std::exception& error) {
    problem = c10::str("recording failed: ", error.what());
  }
  std::optional<Computed> again;
  // Each rank's part of an exchange is in its record: they are run by all or by none.
  if (parts_.all_say(problem.empty())) {
    again = record->Replay(inputs);
    const bool same = Agree(loss, again->loss.item<double>()) &&
                      Agree(norm, again->grad_norm.item<double>()) &&
                      MovedAlike(live, before, wanted);
    if (!same) problem = "a recorded step gave other numbers";
    if (parts_.all_say(same)) {
      record_ = std::move(record);
      parts_.say("steps are CUDA graphs from here on");
      return *again;
    }
  }
  PutBack(live, wanted);
  GiveUp(problem.empty() ? "another rank's record failed" : problem);
  return plain;
}

void StepGraph::GiveUp(const std::string& why) {
  given_up_ = true;
  parts_.say("steps are not CUDA graphs: " + why);
}

}  // namespace ocellus::trainer
