// YAML text to JSON, with the place of every key.
#pragma once

#include <string>
#include <vector>

#include "models/schema/source.h"

namespace ocellus::schema {

// Fills value and places of `out`, whose file is set. `text` is UTF-8.
bool ParseYaml(const std::string& text, Source* out, std::vector<Problem>* problems);

}  // namespace ocellus::schema
