// Small MAE set-ups for tests.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "models/objective.h"

namespace ocellus::models::objectives {

// A resolved document: 32 x 32 pixels, patches of 8, width 64, 2 + 1 blocks.
nlohmann::json SmallDocument(const std::string& precision = "fp32");

// Built from the document and initialised from the seed.
std::unique_ptr<Objective> Initialised(const nlohmann::json& document, uint64_t seed = 1);

// Smooth images with some texture, and noise, for the document's sizes.
Tensors Inputs(const nlohmann::json& document, int64_t batch);

}  // namespace ocellus::models::objectives
