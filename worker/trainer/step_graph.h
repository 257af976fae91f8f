// Forward, backward and reduction of a step, recorded once as a CUDA graph and repeated: a step of
// a thousand kernels costs the host one call. The optimizer's few kernels follow it on the stream.
//
// Not run on a GPU yet (docs/PERFORMANCE.md). Used by the loop's thread.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "worker/trainer/computed.h"

namespace ocellus::trainer {

// The thread's work on a GPU goes to a stream of its own from now on: the default one cannot be
// recorded. Call it before anything is enqueued. Nothing happens on CPU.
void LeaveDefaultStream(torch::Device device);

// A step over the inputs of its micro-batches, which enqueues the same work each time.
using StepBody = std::function<Computed(const std::vector<models::Tensors>& inputs)>;

class StepGraph {
 public:
  // `parameters`: those whose .grad the body makes. `say` hears, once, that steps are recorded, or
  // why they are not.
  StepGraph(std::vector<torch::Tensor> parameters, std::function<void(const std::string&)> say);
  ~StepGraph();

  // body(inputs). The first few calls run as they are; the next one is also recorded, the record
  // is run beside it, and where their numbers agree, records take the place of later calls. Inputs
  // of other shapes run as they are; so does everything after a record that failed.
  Computed Run(const std::vector<models::Tensors>& inputs, const StepBody& body);

 private:
  struct Record;

  void TryToRecord(const std::vector<models::Tensors>& inputs, const StepBody& body,
                   const Computed& plain);
  void GiveUp(const std::string& why);

  std::vector<torch::Tensor> parameters_;
  std::function<void(const std::string&)> say_;
  int64_t calls_ = 0;
  bool given_up_ = false;
  std::unique_ptr<Record> record_;
};

}  // namespace ocellus::trainer
