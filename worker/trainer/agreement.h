// Small questions on which all ranks must act alike. Every rank calls the same in the same order.
#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "worker/dist/communicator.h"

namespace ocellus::trainer {

// Whether all ranks say yes.
bool AllSay(dist::Communicator& ranks, torch::Device device, bool yes);

// What rank 0 passes.
int64_t OfFirst(dist::Communicator& ranks, torch::Device device, int64_t value);

}  // namespace ocellus::trainer
