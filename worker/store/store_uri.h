// Addresses of places within a store: the store's URI with a key at its end, but before its
// settings. "s3://bucket/prefix?endpoint=..." with "job/a.png" is
// "s3://bucket/prefix/job/a.png?endpoint=...". A folder has no settings: '?' is of its name.
#pragma once

#include <optional>
#include <string>

namespace ocellus::store {

struct UriParts {
  std::string place;     // "s3://bucket/prefix", "file:///folder" or a path; no '/' at its end
  std::string settings;  // "?endpoint=..." or ""
};
UriParts SplitUri(const std::string& uri);

// `key` may be a prefix. In S3's addresses it is percent-encoded.
std::string UriOf(const std::string& store_uri, const std::string& key);

// The key of a place in the store; nothing when `uri` is none. Settings are not compared.
std::optional<std::string> KeyIn(const std::string& store_uri, const std::string& uri);

// An address as its folder and its last part: "s3://b/p?x" and "k" of "s3://b/p/k?x".
struct UriLast {
  std::string folder;
  std::string name;  // decoded; "" when there is no folder above
};
UriLast SplitLast(const std::string& uri);

}  // namespace ocellus::store
