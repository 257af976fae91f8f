// What the host tells each step, on its way to the device: enqueued ahead of the step's work, which
// reads it when it runs, so that the work may be recorded and repeated.
//
// Used by the loop's thread.
#pragma once

#include <c10/core/Event.h>
#include <torch/torch.h>

#include <array>
#include <memory>

#include "kernels/optimizer.h"
#include "worker/trainer/computed.h"

namespace ocellus::trainer {

// [count] fp64 on the host, pinned for a GPU.
torch::Tensor HostNumbers(int64_t count, torch::Device device);

// Is over when what was enqueued so far is done. Null on CPU, where it is done.
std::unique_ptr<c10::Event> Passed(torch::Device device);

class SentNumbers {
 public:
  explicit SentNumbers(torch::Device device);

  // Enqueues their way to the tensors below, behind what has been enqueued. Two copies on the host
  // take turns: this waits only where the copy before the last is still under way.
  void Send(const kernels::StepNumbers& numbers, const Votes& wishes);

  // On the device, the same memory at each step: [2] as models/ops/step_numbers.h has them, and [2]
  // stop and save.
  const torch::Tensor& numbers() const { return numbers_; }
  const torch::Tensor& wishes() const { return wishes_; }

 private:
  struct Copy {
    torch::Tensor host;
    std::unique_ptr<c10::Event> sent;
  };

  torch::Tensor device_, numbers_, wishes_;
  std::array<Copy, 2> copies_;
  size_t turn_ = 0;
};

}  // namespace ocellus::trainer
