// What a job's document may name in the object store: its own project's part.
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "coordinator/base/error.h"
#include "coordinator/job/spec_check.h"

namespace ocellus::coordinator {
namespace {

constexpr char kFileScheme[] = "file://";

// Without what follows '?', without "." and "..", and with no scheme for files.
std::string PlainPlace(const std::string& text) {
  const std::string address = text.substr(0, text.find('?'));
  const size_t scheme = address.find("://");
  if (scheme == std::string::npos || absl::StartsWith(address, kFileScheme)) {
    return std::filesystem::path(absl::StripPrefix(address, kFileScheme).data()).lexically_normal();
  }
  const std::filesystem::path rest("/" + address.substr(scheme + 3));
  return address.substr(0, scheme + 2) + rest.lexically_normal().string();
}

class StorePaths {
 public:
  StorePaths(const std::string& project, const std::string& store_uri)
      : project_(project), root_(PlainPlace(store_uri)) {
    while (root_.size() > 1 && root_.back() == '/') root_.pop_back();
  }

  void Look(const nlohmann::json& value, const std::string& path) {
    if (value.is_string()) {
      LookAt(value.get<std::string>(), path);
    }
    if (value.is_object()) {
      for (const auto& [key, item] : value.items()) {
        Look(item, path.empty() ? key : absl::StrCat(path, ".", key));
      }
    }
    if (value.is_array()) {
      for (const auto& item : value) Look(item, path);
    }
  }

  const std::vector<FieldViolation>& violations() const { return violations_; }

 private:
  void LookAt(const std::string& text, const std::string& path) {
    absl::string_view rest;
    const std::string place = PlainPlace(text);
    rest = place;
    if (text.empty() || !absl::ConsumePrefix(&rest, root_)) return;
    if (!rest.empty() && rest[0] != '/') return;  // "/data/store-2" beside "/data/store"
    absl::ConsumePrefix(&rest, "/");
    const std::string first(rest.substr(0, rest.find('/')));
    if (first != project_) {
      violations_.emplace_back(
          path, absl::StrCat("leads into the object store, but not below the job's own project (",
                             root_, "/", project_, "/)"));
    }
  }

  const std::string project_;
  std::string root_;
  std::vector<FieldViolation> violations_;
};

}  // namespace

absl::Status CheckStorePaths(const std::string& resolved_json, const std::string& project,
                             const std::string& store_uri) {
  StorePaths paths(project, store_uri);
  paths.Look(nlohmann::json::parse(resolved_json, nullptr, /*allow_exceptions=*/false), "");
  return paths.violations().empty() ? absl::OkStatus() : BadRequest(paths.violations());
}

}  // namespace ocellus::coordinator
