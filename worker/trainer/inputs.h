// From the document's data section and the objective's wishes to tensors on the device.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "models/objective.h"
#include "worker/checkpoint/snapshot.h"
#include "worker/data/dataset.h"
#include "worker/data/loader.h"
#include "worker/data/tokenizer.h"
#include "worker/trainer/settings.h"

namespace ocellus::trainer {

// Gets a line for each trouble that was got over; called by any thread.
using OnWarning = std::function<void(const std::string&)>;

// The datasets of the "data" section; the validation set is null when the document names none.
std::shared_ptr<const data::Dataset> OpenTrainingSet(const nlohmann::json& data,
                                                     const OnWarning& on_warning = {});
std::shared_ptr<const data::Dataset> OpenValidationSet(const nlohmann::json& data,
                                                       const OnWarning& on_warning = {});

// A line for people when data.augment wants masks but `training_set` has none: nothing where none
// is wanted, or where one of some samples from all over the set has one.
std::optional<std::string> MissingMasks(const nlohmann::json& data,
                                        const data::Dataset& training_set);

// The tokenizer of data.text, read once a process; "data" may lack the section. Throws wire::Fault
// (user, NO_VOCABULARY).
std::shared_ptr<const data::Tokenizer> OpenTokenizer(const nlohmann::json& data);

// What training loads: the wished views, augmented, the draws, and the captions. Throws wire::Fault
// (user, BAD_SPEC) where a wished vocabulary is smaller than the tokenizer's.
data::LoaderOptions TrainingLoader(const nlohmann::json& data, const Settings& settings,
                                   const models::InputWishes& wishes, int rank, int world);

// The same for looking at a model: whole images, nothing random but the draws.
data::LoaderOptions EvaluationLoader(const nlohmann::json& data, const Settings& settings,
                                     const models::InputWishes& wishes, int64_t global_batch,
                                     int rank, int world);

// Host memory for loaders; pinned when `device` is a GPU.
data::Allocate HostMemory(torch::Device device);

// Host memory for snapshots; pinned when `device` is a GPU.
checkpoint::Allocate SnapshotMemory(torch::Device device);

// The batch's tensors by name, on `device`; views that were left to it are made there. On a GPU all
// is enqueued without a wait, and the batch may go at once. On the CPU tensors share its memory.
models::Tensors ToTensors(const data::HostBatch& batch, torch::Device device);

}  // namespace ocellus::trainer
