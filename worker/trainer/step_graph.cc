#include "worker/trainer/step_graph.h"

#include <cmath>

#include "models/ops/flops.h"

#ifdef OCELLUS_WITH_CUDA
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace ocellus::trainer {
namespace {

// As many calls let libraries choose their algorithms and allocate.
constexpr int64_t kPlainCalls = 3;
// Sums may be added in another order.
constexpr double kAgreement = 1e-2;

bool Alike(const torch::Tensor& a, const torch::Tensor& b) {
  return a.sizes() == b.sizes() && a.scalar_type() == b.scalar_type() && a.device() == b.device();
}

bool Agree(const torch::Tensor& a, const torch::Tensor& b) {
  const double x = a.item<double>(), y = b.item<double>();
  return std::abs(x - y) <= kAgreement * std::max(std::abs(x), std::abs(y));
}

}  // namespace

#ifdef OCELLUS_WITH_CUDA

void LeaveDefaultStream(torch::Device device) {
  if (!device.is_cuda()) return;
  c10::cuda::setCurrentCUDAStream(
      c10::cuda::getStreamFromPool(/*isHighPriority=*/true, device.index()));
}

struct StepGraph::Record {
  std::vector<models::Tensors> inputs;   // what the graph reads
  Computed computed;                     // what it writes
  std::vector<torch::Tensor> gradients;  // likewise
  double flops = 0;
  at::cuda::CUDAGraph graph;

  bool Fits(const std::vector<models::Tensors>& given) const;
  void Capture(const StepBody& body, const std::vector<torch::Tensor>& parameters);
  Computed Replay(const std::vector<models::Tensors>& given,
                  const std::vector<torch::Tensor>& parameters);
};

bool StepGraph::Record::Fits(const std::vector<models::Tensors>& given) const {
  if (given.size() != inputs.size()) return false;
  for (size_t i = 0; i < given.size(); ++i) {
    for (const auto& [name, own] : inputs[i]) {
      const auto at = given[i].find(name);
      if (at == given[i].end() || !Alike(own, at->second)) return false;
    }
  }
  return true;
}

void StepGraph::Record::Capture(const StepBody& body,
                                const std::vector<torch::Tensor>& parameters) {
  const double before = models::ops::CountedFlops();
  // Other threads (NCCL's watchdog, the loader) may go on calling CUDA.
  graph.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
  try {
    computed = body(inputs);
  } catch (...) {
    try {
      graph.capture_end();
    } catch (const c10::Error&) {  // the body's own error says more
    }
    throw;
  }
  graph.capture_end();
  flops = models::ops::CountedFlops() - before;
  models::ops::CountFlops(-flops);  // nothing was computed yet
  for (const torch::Tensor& parameter : parameters) gradients.push_back(parameter.grad());
}

Computed StepGraph::Record::Replay(const std::vector<models::Tensors>& given,
                                   const std::vector<torch::Tensor>& parameters) {
  for (size_t i = 0; i < given.size(); ++i) {
    for (auto& [name, own] : inputs[i]) own.copy_(given[i].at(name), /*non_blocking=*/true);
  }
  graph.replay();
  models::ops::CountFlops(flops);
  for (size_t i = 0; i < parameters.size(); ++i) parameters[i].mutable_grad() = gradients[i];
  return computed;
}

void StepGraph::TryToRecord(const std::vector<models::Tensors>& inputs, const StepBody& body,
                            const Computed& plain) {
  try {
    auto record = std::make_unique<Record>();
    for (const models::Tensors& given : inputs) {
      models::Tensors& own = record->inputs.emplace_back();
      for (const auto& [name, tensor] : given) own[name] = tensor.clone();
    }
    record->Capture(body, parameters_);
    const Computed again = record->Replay(inputs, parameters_);
    if (!Agree(plain.loss, again.loss) || !Agree(plain.grad_norm, again.grad_norm)) {
      return GiveUp("a recorded step gave other numbers");
    }
    record_ = std::move(record);
    say_("steps are CUDA graphs from here on");
  } catch (const std::exception& error) {
    GiveUp(c10::str("recording failed: ", error.what()));
  }
}

Computed StepGraph::Run(const std::vector<models::Tensors>& inputs, const StepBody& body) {
  if (record_ && record_->Fits(inputs)) return record_->Replay(inputs, parameters_);
  Computed plain = body(inputs);
  if (record_ || given_up_ || ++calls_ <= kPlainCalls) return plain;
  // Copies, since the next body's zeroing takes the originals.
  plain.loss = plain.loss.clone();
  plain.grad_norm = plain.grad_norm.clone();
  TryToRecord(inputs, body, plain);
  return record_ ? record_->computed : body(inputs);
}

#else

struct StepGraph::Record {};

void LeaveDefaultStream(torch::Device) {}

Computed StepGraph::Run(const std::vector<models::Tensors>& inputs, const StepBody& body) {
  if (!given_up_) GiveUp("this trainer was built without CUDA");
  return body(inputs);
}

#endif

StepGraph::StepGraph(std::vector<torch::Tensor> parameters,
                     std::function<void(const std::string&)> say)
    : parameters_(std::move(parameters)), say_(std::move(say)) {}

StepGraph::~StepGraph() = default;

void StepGraph::GiveUp(const std::string& why) {
  given_up_ = true;
  say_("steps are not CUDA graphs: " + why);
}

}  // namespace ocellus::trainer
