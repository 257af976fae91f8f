// What the words of `data.train` stand for.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "worker/store/object_store.h"

namespace ocellus::data {

struct Source {
  enum class Kind { kShard, kFolder, kImage, kObject };
  Kind kind = Kind::kFolder;
  std::string path;                                // of an object: its key
  std::shared_ptr<store::ObjectStore> store = {};  // of an object
};

// "a{008..010}b" to three names, of the same number of digits. What is no range stays as it is.
std::vector<std::string> ExpandRange(const std::string& word);

// Resolves addresses of stores (object_sources.h), '~', ranges ("{000..127}", "{a,b}"), globs, and
// folders of shards, each in byte order. Throws wire::Fault (user, NO_DATA) that names the word and
// the nearest existing folder when it matches nothing.
std::vector<Source> ResolveSources(const std::vector<std::string>& words);

// jpg, jpeg or png in any case, but for a mask ("<stem>.mask.png").
bool IsImageName(const std::string& path);

}  // namespace ocellus::data
