// Everything that a run needs to go on as if nothing had happened: parameters, optimizer state, and
// how far it is. The data order and every random draw follow from the step and the seed.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "models/objective.h"
#include "models/optim/optimizer.h"
#include "worker/checkpoint/manifest.h"
#include "worker/checkpoint/snapshot.h"
#include "worker/dist/communicator.h"
#include "worker/store/object_store.h"
#include "worker/trainer/reporter.h"
#include "worker/wire/document.h"

namespace ocellus::trainer {

struct Progress {
  int64_t step = 0;     // optimizer steps done, skipped ones included
  int64_t skipped = 0;  // of them, refused by the guard
};

// The live tensors of model and optimizer, as a snapshot takes them.
checkpoint::FileSources StateSources(models::Objective& objective,
                                     const models::optim::Optimizer& optimizer);

// The manifest of a checkpoint at `progress`, without its files.
checkpoint::Manifest StateManifest(const wire::Document& document, const Progress& progress);

// Loads the newest sound checkpoint of `document.restore` that all ranks can read, and says which
// (event `restored`; `damaged` for each that was refused). Nothing when the list is empty. Throws
// wire::Fault: NO_CHECKPOINT_LEFT, or WEIGHTS_MISMATCH when the model is another.
std::optional<Progress> RestoreState(const wire::Document& document, store::ObjectStore& store,
                                     models::Objective& objective,
                                     models::optim::Optimizer& optimizer, dist::Communicator& ranks,
                                     Reporter& reporter);

}  // namespace ocellus::trainer
