#include "worker/data/object_sources.h"

#include <fnmatch.h>

#include <algorithm>
#include <utility>

#include "worker/store/encoding.h"
#include "worker/store/store_uri.h"
#include "worker/wire/fault.h"

namespace ocellus::data {
namespace {

constexpr char kScheme[] = "s3://";

// "a{b,c}d" to two names; what has no alternatives stays as it is.
std::vector<std::string> ExpandAlternatives(const std::string& word) {
  const size_t open = word.find('{');
  const size_t close = open == std::string::npos ? open : word.find('}', open);
  if (close == std::string::npos) return {word};
  std::vector<std::string> names;
  for (size_t at = open + 1; at <= close;) {
    const size_t end = std::min(word.find(',', at), close);
    const std::string name =
        word.substr(0, open) + word.substr(at, end - at) + word.substr(close + 1);
    for (std::string& expanded : ExpandAlternatives(name)) names.push_back(std::move(expanded));
    at = end + 1;
  }
  return names;
}

bool IsTar(const std::string& key) { return store::Lower(key).ends_with(".tar"); }

[[noreturn]] void ThrowNothing(const std::string& what, const std::string& word) {
  throw wire::Fault(wire::FaultClass::kUser, "NO_DATA", what + ": " + word,
                    "give .tar files: s3://BUCKET/PREFIX/train-{000..127}.tar?endpoint=URL, a glob "
                    "of them, or the prefix that they lie below");
}

std::vector<std::string> KeysBelow(store::ObjectStore* store, const std::string& prefix) {
  std::vector<std::string> keys;
  try {
    for (store::ObjectInfo& object : store->List(prefix)) keys.push_back(std::move(object.key));
  } catch (const wire::Fault& fault) {
    if (fault.outcome() != "STORE_MISSING") throw;
    throw wire::Fault(wire::FaultClass::kUser, "NO_DATA", fault.what(), fault.hint());
  }
  return keys;
}

// The shards that one name, without ranges and alternatives, stands for.
std::vector<std::string> KeysOf(store::ObjectStore* store, const std::string& name) {
  const size_t wild = name.find_first_of("*[");
  if (wild == std::string::npos && IsTar(name)) return {name};
  std::string pattern = name;
  if (wild == std::string::npos) pattern += name.empty() || name.ends_with('/') ? "*" : "/*";
  std::vector<std::string> found;
  for (std::string& key : KeysBelow(store, pattern.substr(0, pattern.find_first_of("*[")))) {
    const bool fits = fnmatch(pattern.c_str(), key.c_str(), FNM_PATHNAME | FNM_PERIOD) == 0;
    if (fits && IsTar(key)) found.push_back(std::move(key));
  }
  return found;
}

}  // namespace

bool IsObjectWord(const std::string& word) { return word.starts_with(kScheme); }

std::shared_ptr<store::ObjectStore> ObjectSources::StoreOf(const std::string& uri) {
  auto& store = stores_[uri];
  if (!store) store = store::OpenStore(uri);
  return store;
}

std::vector<Source> ObjectSources::Resolve(const std::string& word) {
  const store::UriParts parts = store::SplitUri(word);
  const std::string rest = parts.place.substr(sizeof(kScheme) - 1);
  const size_t slash = std::min(rest.find('/'), rest.size());
  const auto store = StoreOf(kScheme + rest.substr(0, slash) + parts.settings);
  const std::string path = rest.substr(std::min(slash + 1, rest.size()));
  std::vector<std::string> keys;
  for (const std::string& range : ExpandRange(path)) {
    for (const std::string& name : ExpandAlternatives(range)) {
      const auto found = KeysOf(store.get(), store::PercentDecode(name));
      keys.insert(keys.end(), found.begin(), found.end());
    }
  }
  if (keys.empty()) ThrowNothing("nothing matches", word);
  std::sort(keys.begin(), keys.end());
  std::vector<Source> sources;
  for (std::string& key : keys) sources.push_back({Source::Kind::kObject, std::move(key), store});
  return sources;
}

}  // namespace ocellus::data
