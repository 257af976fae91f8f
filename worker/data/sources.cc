#include "worker/data/sources.h"

#include <glob.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <filesystem>

#include "worker/data/object_sources.h"
#include "worker/wire/fault.h"

namespace ocellus::data {
namespace {

namespace fs = std::filesystem;

constexpr int64_t kRangeLimit = 1'000'000;  // names of one range

std::string LowerExtension(const std::string& path) {
  std::string extension = fs::path(path).extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return extension;
}

bool Digits(const std::string& text) {
  return !text.empty() && text.size() <= 9 && std::all_of(text.begin(), text.end(), ::isdigit);
}

std::vector<std::string> Glob(const std::string& pattern) {
  glob_t found{};
  std::vector<std::string> paths;
  if (glob(pattern.c_str(), GLOB_BRACE | GLOB_TILDE | GLOB_NOSORT, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  globfree(&found);
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool IsPattern(const std::string& word) { return word.find_first_of("*?[{~") != std::string::npos; }

[[noreturn]] void ThrowMissing(const std::string& word, const std::string& what) {
  std::error_code ignored;
  fs::path near = fs::absolute(word, ignored);
  while (near.has_relative_path() && !fs::exists(near, ignored)) near = near.parent_path();
  throw wire::Fault(wire::FaultClass::kUser, "NO_DATA",
                    what + ": " + word + " (the nearest that exists is " + near.string() + ")",
                    "give a folder of images, a .tar file, or a glob of .tar files that this "
                    "machine can read");
}

std::vector<std::string> ShardsIn(const fs::path& folder) {
  std::vector<std::string> shards;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string path = it->path().string();
    if (LowerExtension(path) == ".tar" && it->path().filename().string()[0] != '.') {
      shards.push_back(path);
    }
  }
  if (error) ThrowMissing(folder.string(), "cannot list the folder (" + error.message() + ")");
  std::sort(shards.begin(), shards.end());
  return shards;
}

void AddPath(const std::string& path, bool from_pattern, std::vector<Source>* sources) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    const std::vector<std::string> shards = ShardsIn(path);
    for (const std::string& shard : shards) sources->push_back({Source::Kind::kShard, shard});
    if (shards.empty()) sources->push_back({Source::Kind::kFolder, path});
  } else if (!fs::exists(path, error)) {
    ThrowMissing(path, "no such data");
  } else if (IsImageName(path)) {
    sources->push_back({Source::Kind::kImage, path});
  } else if (LowerExtension(path) == ".tar") {
    sources->push_back({Source::Kind::kShard, path});
  } else if (!from_pattern) {
    ThrowMissing(path, "neither a folder, nor a .tar file, nor an image");
  }
}

}  // namespace

bool IsImageName(const std::string& path) {
  const std::string extension = LowerExtension(path);
  if (path.ends_with(".mask.png")) return false;  // belongs to the image of that stem
  return extension == ".jpg" || extension == ".jpeg" || extension == ".png";
}

std::vector<std::string> ExpandRange(const std::string& word) {
  const size_t dots = word.find("..");
  const size_t open = dots == std::string::npos ? dots : word.rfind('{', dots);
  const size_t close = dots == std::string::npos ? dots : word.find('}', dots);
  if (open == std::string::npos || close == std::string::npos) return {word};
  const std::string low = word.substr(open + 1, dots - open - 1);
  const std::string high = word.substr(dots + 2, close - dots - 2);
  if (!Digits(low) || !Digits(high)) return {word};
  const int64_t first = std::stoll(low), last = std::stoll(high);
  if (last < first || last - first >= kRangeLimit) return {word};
  std::vector<std::string> names;
  for (int64_t i = first; i <= last; ++i) {
    std::string number = std::to_string(i);
    if (number.size() < low.size()) number.insert(0, low.size() - number.size(), '0');
    const std::string name = word.substr(0, open) + number + word.substr(close + 1);
    for (std::string& expanded : ExpandRange(name)) names.push_back(std::move(expanded));
  }
  return names;
}

std::vector<Source> ResolveSources(const std::vector<std::string>& words) {
  if (words.empty()) ThrowMissing(".", "no data is named (data.train)");
  std::vector<Source> sources;
  ObjectSources objects;
  for (const std::string& word : words) {
    if (IsObjectWord(word)) {
      const auto found = objects.Resolve(word);
      sources.insert(sources.end(), found.begin(), found.end());
      continue;
    }
    const size_t before = sources.size();
    std::error_code ignored;
    for (const std::string& name : ExpandRange(word)) {
      if (!IsPattern(name) || fs::exists(name, ignored)) {
        AddPath(name, false, &sources);
        continue;
      }
      for (const std::string& path : Glob(name)) AddPath(path, true, &sources);
    }
    if (sources.size() == before) ThrowMissing(word, "nothing matches");
  }
  return sources;
}

}  // namespace ocellus::data
