// The paths in a job's document, made absolute and looked at before the job is sent.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/schema/schema.h"

namespace ocellus::cli {

// Makes the paths of a resolved training document absolute (data.train, data.val,
// data.text.vocabulary, init.weights, and eval.zero_shot.classes where it is no list of names):
// relative ones are relative to `folder`, "~/" is the home folder, a URI ("s3://...") stays.
void MakePathsAbsolute(const std::string& folder, nlohmann::json* training);

// One problem for each path that is not there on this machine: a glob that matches nothing names
// the nearest folder that exists. `file` is for the messages.
std::vector<schema::Problem> MissingPaths(const std::string& file, const nlohmann::json& training);

}  // namespace ocellus::cli
