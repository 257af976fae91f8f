#include "tools/cli/data_paths.h"

#include <glob.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>

#include "absl/strings/match.h"

namespace ocellus::cli {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

bool IsUri(const std::string& path) { return path.find("://") != std::string::npos; }

std::string Absolute(const std::string& folder, const std::string& path) {
  if (path.empty() || IsUri(path)) {
    return path;
  }
  const char* home = std::getenv("HOME");
  if (path.rfind("~/", 0) == 0 && home != nullptr) {
    return std::string(home) + path.substr(1);
  }
  return (fs::path(folder) / path).lexically_normal().string();
}

// Calls `visit` with each path and its key, also those in lists.
void ForEachPath(json* training, const std::function<void(const std::string&, json*)>& visit) {
  for (const char* pointer : {"/data/train", "/data/val", "/data/text/vocabulary", "/init/weights",
                              "/eval/zero_shot/classes"}) {
    const json::json_pointer at(pointer);
    if (!training->contains(at)) {
      continue;
    }
    json& value = (*training)[at];
    std::string key = std::string(pointer).substr(1);
    std::replace(key.begin(), key.end(), '/', '.');
    if (value.is_string()) {
      visit(key, &value);
    }
    // A list of classes has their names.
    const bool paths = value.is_array() && absl::StartsWith(key, "data.");
    for (size_t i = 0; paths && i < value.size(); ++i) {
      visit(key + "[" + std::to_string(i) + "]", &value[i]);
    }
  }
}

bool MatchesAnything(const std::string& pattern) {
  glob_t found{};
  const bool matched = glob(pattern.c_str(), GLOB_NOSORT, nullptr, &found) == 0;
  globfree(&found);
  return matched;
}

std::string NearestFolder(const std::string& path) {
  fs::path at = fs::path(path).parent_path();
  std::error_code ignored;
  while (!at.empty() && at != at.root_path() && !fs::is_directory(at, ignored)) {
    at = at.parent_path();
  }
  return at.string();
}

// "a.tar, b.tar and 3 more": what one may have meant.
std::string SomeNamesIn(const std::string& folder) {
  constexpr size_t kShown = 4;
  std::error_code error;
  std::vector<std::string> names;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  if (names.empty()) {
    return "it is empty";
  }
  std::sort(names.begin(), names.end());
  std::string text = "it holds " + names[0];
  for (size_t i = 1; i < std::min(names.size(), kShown); ++i) {
    text += ", " + names[i];
  }
  if (names.size() > kShown) {
    text += " and " + std::to_string(names.size() - kShown) + " more";
  }
  return text;
}

}  // namespace

void MakePathsAbsolute(const std::string& folder, json* training) {
  ForEachPath(training, [&](const std::string&, json* path) {
    *path = Absolute(folder, path->get<std::string>());
  });
}

std::vector<schema::Problem> MissingPaths(const std::string& file, const json& training) {
  std::vector<schema::Problem> problems;
  json copy = training;
  ForEachPath(&copy, [&](const std::string& key, json* value) {
    const std::string path = value->get<std::string>();
    std::error_code error;
    if (path.empty() || IsUri(path)) {
      return;
    }
    if (!fs::exists(path, error) && !MatchesAnything(path)) {
      const std::string folder = NearestFolder(path);
      problems.push_back({file, 0, 0, key, "nothing is at " + path,
                          "the nearest folder that exists is " + folder +
                              (folder == "/" ? "" : "; " + SomeNamesIn(folder))});
    } else if (fs::is_directory(path, error) && fs::is_empty(path, error)) {
      problems.push_back({file, 0, 0, key, "the folder " + path + " is empty",
                          "put images or .tar shards there, or name another"});
    }
  });
  return problems;
}

}  // namespace ocellus::cli
