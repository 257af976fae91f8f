// The numbers that change from step to step, where kernels read them (kernels/optimizer.h), and the
// moving average that follows them.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "kernels/optimizer.h"

namespace ocellus::models::ops {

// [2] fp64 on `device`, laid out as kernels::StepNumbers, for work that is enqueued from now on:
// the host waits for nothing.
torch::Tensor StepNumbers(const kernels::StepNumbers& numbers, torch::Device device);

// What such a tensor holds; on its device.
const kernels::StepNumbers* NumbersIn(const torch::Tensor& numbers);

// average <- momentum average + (1 - momentum) source for each pair of equal shapes. Where
// `numbers` is defined, a StepNumbers on their device, the momentum is taken from there when the
// work is done, as a recorded step needs it; `momentum` must be the same.
void MoveAverages(const std::vector<torch::Tensor>& averages,
                  const std::vector<torch::Tensor>& sources, double momentum,
                  const torch::Tensor& numbers = {});

}  // namespace ocellus::models::ops
