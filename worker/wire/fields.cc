#include "worker/wire/fields.h"

#include <cmath>
#include <limits>
#include <utility>

namespace ocellus::wire {

using nlohmann::json;

std::optional<json> ParseObject(const std::string& line, std::string* error) {
  json value = json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (value.is_object()) return value;
  *error = (value.is_discarded() ? "not JSON: " : "not a JSON object: ") + line.substr(0, 200);
  return std::nullopt;
}

std::string PrintObject(const json& object) {
  return object.dump(-1, ' ', false, json::error_handler_t::replace);
}

Fields::Fields(const json& object, std::string what) : object_(object), what_(std::move(what)) {
  if (!object.is_object()) Fail("is not an object");
}

void Fields::Fail(const std::string& reason) {
  if (error_.empty()) error_ = what_ + ": " + reason;
}

void Fields::WrongType(const char* key, const char* wanted) {
  Fail(std::string("key '") + key + "' is not " + wanted);
}

const json* Fields::Find(const char* key) {
  if (!object_.is_object()) return nullptr;
  const auto it = object_.find(key);
  if (it != object_.end()) return &*it;
  Fail(std::string("key '") + key + "' is missing");
  return nullptr;
}

const json& Fields::Child(const char* key) {
  static const json none;
  const json* value = Find(key);
  return value ? *value : none;
}

void Fields::Read(const char* key, std::string* out) {
  const json* value = Find(key);
  if (!value) return;
  if (!value->is_string()) return WrongType(key, "a string");
  *out = value->get<std::string>();
}

void Fields::Read(const char* key, int64_t* out) {
  const json* value = Find(key);
  if (!value) return;
  const bool too_large = value->is_number_unsigned() &&
                         value->get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()};
  if (!value->is_number_integer() || too_large) return WrongType(key, "an integer");
  *out = value->get<int64_t>();
}

void Fields::Read(const char* key, int* out) {
  int64_t wide = 0;
  Read(key, &wide);
  if (wide < std::numeric_limits<int>::min() || wide > std::numeric_limits<int>::max()) {
    return WrongType(key, "a 32-bit integer");
  }
  *out = static_cast<int>(wide);
}

void Fields::Read(const char* key, bool* out) {
  const json* value = Find(key);
  if (!value) return;
  if (!value->is_boolean()) return WrongType(key, "true or false");
  *out = value->get<bool>();
}

void Fields::Read(const char* key, double* out) {
  const json* value = Find(key);
  if (!value) return;
  if (value->is_null()) {
    *out = std::nan("");
    return;
  }
  if (!value->is_number()) return WrongType(key, "a number");
  *out = value->get<double>();
}

void Fields::Read(const char* key, std::vector<std::string>* out) {
  const json* value = Find(key);
  if (!value) return;
  if (!value->is_array()) return WrongType(key, "a list");
  out->clear();
  for (const json& item : *value) {
    if (!item.is_string()) return WrongType(key, "a list of strings");
    out->push_back(item.get<std::string>());
  }
}

void Fields::Read(const char* key, std::optional<double>* out) {
  out->reset();
  if (object_.is_object() && object_.contains(key)) Read(key, &out->emplace());
}

}  // namespace ocellus::wire
