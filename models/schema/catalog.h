// The schema files of this folder, put together.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/schema/schema.h"

namespace ocellus::schema {

// Keys keep the order of the files, which is the order for people.
using Schema = nlohmann::ordered_json;

struct EmbeddedFile {
  std::string name;  // without ".json"
  std::string text;
};

// Defined in the source that embed.cmake writes.
const std::vector<EmbeddedFile>& EmbeddedFiles();

// A training document as one schema: references inlined, methods listed, unknown keys refused.
const Schema& TrainingSchema(Use use);

// The keys of scheduling alone.
const Schema& SchedulingSchema();

// Name of a preset to {architecture: {fields}}.
const Schema& Presets();

// Names of `section`'s properties, in order.
std::vector<std::string> Names(const Schema& properties);

}  // namespace ocellus::schema
