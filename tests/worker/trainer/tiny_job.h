// A job that trains in a blink: a handful of small pictures and a model of a few thousand
// parameters.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/support/temp_folder.h"
#include "worker/wire/document.h"

namespace ocellus::trainer {

// Writes `count` PNGs of different sizes into `folder`/{0,1}/, so that each has a label.
void WritePictures(const std::filesystem::path& folder, int count);

// A resolved training document of MAE on `pictures`, fp32, `steps` steps of 8 images.
nlohmann::json TinyTraining(const std::filesystem::path& pictures, int64_t steps);

// What an agent would send to the only rank of a gang whose store is `store`.
wire::Document TinyDocument(const nlohmann::json& training, const std::filesystem::path& store);

}  // namespace ocellus::trainer
