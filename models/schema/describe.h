// Schemas and values in words.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "models/schema/catalog.h"

namespace ocellus::schema {

// "a.b" of "a" and "b"; "b" when `path` is empty.
std::string Below(const std::string& path, const std::string& key);

// A value as JSON, shortened.
std::string Shown(const nlohmann::json& value);

// What `type` allows.
std::vector<std::string> Types(const Schema& schema);

// "an integer", "text or a list" ...
std::string TypeText(const Schema& schema);

// "above 0 and below 1", "from 1 to 64", "at least 1"; empty without limits.
std::string RangeText(const Schema& schema);

// What the user may have meant by a key that is not in `known`.
std::string UnknownKeyHint(const std::string& key, const std::vector<std::string>& known);

}  // namespace ocellus::schema
