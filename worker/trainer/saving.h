// Puts together what a rank needs for its part in checkpoints.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>

#include "worker/dist/communicator.h"
#include "worker/store/object_store.h"
#include "worker/trainer/checkpointer.h"
#include "worker/trainer/saver.h"
#include "worker/trainer/slice_exchange.h"

namespace ocellus::trainer {

struct Saving {
  std::unique_ptr<SliceExchange> exchange;  // null in a gang of one
  std::unique_ptr<Saver> saver;
  Checkpointer* leader = nullptr;  // the saver, on rank 0
};

// Nothing is owned. `stored_step`: of the newest checkpoint in the store, or -1. All ranks call it.
Saving MakeSaving(const wire::Document& document, store::ObjectStore* store, Control* control,
                  Reporter* reporter, dist::Communicator& ranks, torch::Device device,
                  int64_t stored_step);

}  // namespace ocellus::trainer
