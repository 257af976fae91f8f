// The exchange of verdicts, read when its numbers have come: the host waits for no device.
//
// Used by the loop's thread; every rank casts and reads at the same steps.
#pragma once

#include <c10/core/Event.h>
#include <torch/torch.h>

#include <deque>
#include <memory>

#include "worker/dist/communicator.h"
#include "worker/trainer/computed.h"
#include "worker/trainer/sent_numbers.h"

namespace ocellus::trainer {

class Ballot {
 public:
  // `ranks` must outlive it.
  explicit Ballot(dist::Communicator& ranks) : ranks_(ranks) {}

  // What the ranks bring together, on the device.
  struct Tally {
    torch::Tensor numbers;  // [5] fp64: loss, refusals, stops, saves, norm
    // What gradients are to count times, an fp32 scalar: 1 where the numbers of every rank are
    // finite, else NaN, of which an optimizer makes nothing.
    torch::Tensor soundness;
  };
  // Enqueues the exchange; may be recorded. `wishes`: [2] fp64 on the device, stop and save.
  Tally Count(const Computed& computed, const torch::Tensor& wishes);

  // Has a tally's numbers brought to the host.
  void Cast(int64_t step, const torch::Tensor& numbers);

  // The oldest verdict that was not read; waits until it is there. REQUIRES: waiting() > 0.
  Verdict Read();
  size_t waiting() const { return cast_.size(); }

 private:
  struct Exchange {
    int64_t step = 0;
    torch::Tensor numbers;              // of the tally, on the host
    std::unique_ptr<c10::Event> there;  // null on CPU
  };

  dist::Communicator& ranks_;
  std::deque<Exchange> cast_;
};

}  // namespace ocellus::trainer
