// A batch of views from decoded pixels, by one kernel on the device that trains
// (kernels/augment.h).
#pragma once

#include <torch/torch.h>

#include <array>
#include <vector>

#include "kernels/augment.h"

namespace ocellus::models::ops {

// On the host, pinned where the device is a GPU; copies are enqueued, so `words` stay untouched
// until the device is done with them.
struct UndoneViews {
  std::vector<kernels::AugmentView> views;
  // int32, one after the other: pixels, tables and weights (fp32, bit by bit) of
  // kernels::AugmentArgs all begin at the first.
  std::vector<torch::Tensor> words;
  int64_t size = 0;  // pixels of a side of every view
  std::array<float, 3> mean{}, std{};
};

// [views, 3, size, size] of `type` (fp32 or bf16) on `device`, without a wait for it.
torch::Tensor Augment(const UndoneViews& undone, torch::Device device, torch::ScalarType type);

}  // namespace ocellus::models::ops
