// A job's file, checked and resolved.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "models/schema/schema.h"

namespace ocellus::trainer {

// Reads a job (YAML or JSON). Relative data paths become relative to the file's folder. Throws
// wire::Fault (user, BAD_SPEC) that lists every problem with file, line and key.
schema::Document LoadJob(const std::string& path);

// The training document of a replay, or of any job when its data does not matter.
nlohmann::json LoadReplaySpec(const std::string& path);

}  // namespace ocellus::trainer
