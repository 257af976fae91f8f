// What the words of `data.train` stand for.
#pragma once

#include <string>
#include <vector>

namespace ocellus::data {

struct Source {
  enum class Kind { kShard, kFolder, kImage };
  Kind kind = Kind::kFolder;
  std::string path;
};

// Resolves '~', ranges ("{000..127}", "{a,b}"), globs, and folders of shards, each in byte order.
// Throws wire::Fault (user, NO_DATA) that names the word and the nearest existing folder when it
// matches nothing.
std::vector<Source> ResolveSources(const std::vector<std::string>& words);

// jpg, jpeg or png in any case, but for a mask ("<stem>.mask.png").
bool IsImageName(const std::string& path);

}  // namespace ocellus::data
