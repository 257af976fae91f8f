// A job's file, checked and resolved.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "models/schema/schema.h"

namespace ocellus::trainer {

// Reads a job (YAML or JSON). Its relative paths become relative to the file's folder. Throws
// wire::Fault (user, BAD_SPEC) that lists every problem with file, line and key.
schema::Document LoadJob(const std::string& path);

// A resolved training document with the defaults of keys that it lacks: an earlier release resolved
// it. Throws wire::Fault (user, BAD_SPEC) that names `origin` when it does not hold any more, or
// says what only a later release knows.
nlohmann::json FilledIn(const nlohmann::json& training, const std::string& origin);

// The training document of a replay, or of any job when its data does not matter.
nlohmann::json LoadReplaySpec(const std::string& path);

}  // namespace ocellus::trainer
