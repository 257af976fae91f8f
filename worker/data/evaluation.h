// Whole images for evaluation: nothing random in them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "worker/data/dataset.h"
#include "worker/data/loader.h"
#include "worker/data/view.h"

namespace ocellus::data {

// The samples `indices` of `dataset` under `view`, whose `random` is taken as false (short side to
// size / 0.875, centre crop): tensors[view.name] is [kept, 3, size, size], with labels, captions
// and samples beside it, in the order of `indices`. A bad sample is left out, and `on_warning` (may
// be empty) gets its line; so kept may be fewer, down to 0. Throws wire::Fault when the storage
// fails. step, micro and positions are not set.
HostBatch LoadViews(const Dataset& dataset, const std::vector<int64_t>& indices, ViewOptions view,
                    int threads, const std::function<void(const std::string&)>& on_warning);

}  // namespace ocellus::data
