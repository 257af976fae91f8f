// A whole step (forward, backward, reduction, verdict, optimizer, moving averages), recorded once
// and repeated: a step of a thousand kernels costs the host one call. What changes from step to
// step it reads from its inputs and from where sent_numbers.h brings it.
//
// Exchanges in a graph have no limit as others have (worker/dist/communicator.h): NCCL's watchdog
// does not see them. A gang that stands still in one is the coordinator's to end, as any that
// hangs.
//
// Used by the loop's thread; all ranks call the same functions in the same order.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "worker/trainer/computed.h"
#include "worker/trainer/recorder.h"

namespace ocellus::trainer {

// A step over the inputs of its micro-batches, which enqueues the same work each time. It must own
// what it refers to.
using StepBody = std::function<Computed(const std::vector<models::Tensors>& inputs)>;

// Live tensors by kind ("parameters"), each kind compared as a whole.
using TensorsByKind = std::map<std::string, std::vector<torch::Tensor>>;

struct StepGraphParts {
  MakeRecorder make;                            // null: nothing is recorded
  std::function<TensorsByKind()> changes;       // all that a step changes
  std::function<bool(bool)> all_say;            // whether all ranks say yes
  std::function<void(const std::string&)> say;  // hears, once, of records, or why there are none
};

class StepGraph {
 public:
  explicit StepGraph(StepGraphParts parts);
  ~StepGraph();

  // body(inputs). The first few calls run as they are. The next one also runs from a record, from
  // the same state; where both give the same loss, norm and state, on all ranks, records take the
  // place of later calls. Inputs of other shapes run as they are; so does everything after a record
  // that failed, from the state that the plain step has left. Holds the state twice on the host
  // meanwhile. The shapes of a call's inputs are the same on all ranks, so that an exchange is in a
  // record on all of them or on none, as NCCL wants it.
  Computed Run(const std::vector<models::Tensors>& inputs, const StepBody& body);

 private:
  struct Record;

  Computed RunAndRecord(const std::vector<models::Tensors>& inputs, const StepBody& body);
  void GiveUp(const std::string& why);

  StepGraphParts parts_;
  int64_t calls_ = 0;
  bool given_up_ = false;
  std::unique_ptr<Record> record_;
};

}  // namespace ocellus::trainer
