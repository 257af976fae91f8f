// Reads the keys of one JSON object: strict about what is missing or of the wrong type, silent
// about what is not known. The first trouble is kept, so a parser reads all its keys and asks once.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace ocellus::wire {

// The object in `line`, or nothing and the reason in `*error`.
std::optional<nlohmann::json> ParseObject(const std::string& line, std::string* error);

// One line without its '\n'. Text that is not UTF-8 gets replacement characters.
std::string PrintObject(const nlohmann::json& object);

class Fields {
 public:
  // `what` begins the error message ("document", "event step"). `object` must outlive this.
  Fields(const nlohmann::json& object, std::string what);

  void Read(const char* key, std::string* out);
  void Read(const char* key, int* out);
  void Read(const char* key, int64_t* out);
  void Read(const char* key, bool* out);
  // null is NaN: JSON has no other way to say so.
  void Read(const char* key, double* out);
  void Read(const char* key, std::vector<std::string>* out);
  // A key that may be missing; nothing then.
  void Read(const char* key, std::optional<double>* out);
  // A key that came after the first release: the other side may not send it, and `*out` stays.
  template <typename Value>
  void ReadIfThere(const char* key, Value* out) {
    if (object_.contains(key)) Read(key, out);
  }
  // The value under `key`; a null value when it is missing.
  const nlohmann::json& Child(const char* key);

  void Fail(const std::string& reason);
  bool ok() const { return error_.empty(); }
  const std::string& error() const { return error_; }

 private:
  const nlohmann::json* Find(const char* key);
  void WrongType(const char* key, const char* wanted);

  const nlohmann::json& object_;
  std::string what_;
  std::string error_;
};

}  // namespace ocellus::wire
