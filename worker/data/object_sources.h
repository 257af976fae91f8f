// Words of `data.train` that name shards of an object store.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "worker/data/sources.h"
#include "worker/store/object_store.h"

namespace ocellus::data {

// Whether the word is an address of an object store: "s3://...".
bool IsObjectWord(const std::string& word);

// Opens each store once.
class ObjectSources {
 public:
  // The shards of "s3://bucket/prefix/name?settings": ranges and alternatives ("{000..127}",
  // "{a,b}") stand for names that must be there, '*' and "[a-c]" for those that are, and what does
  // not end in .tar for the .tar files directly below it. '?' begins the settings (STORAGE.md).
  // Names that a word stands for are in byte order. Throws wire::Fault (user, NO_DATA) when
  // nothing is there, and what the store met.
  std::vector<Source> Resolve(const std::string& word);

 private:
  std::shared_ptr<store::ObjectStore> StoreOf(const std::string& uri);

  std::map<std::string, std::shared_ptr<store::ObjectStore>> stores_;
};

}  // namespace ocellus::data
