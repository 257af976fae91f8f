#include "worker/store/store_uri.h"

#include <algorithm>
#include <string_view>

#include "worker/store/encoding.h"

namespace ocellus::store {
namespace {

constexpr std::string_view kS3 = "s3://";

bool IsS3(std::string_view uri) { return uri.starts_with(kS3); }

}  // namespace

UriParts SplitUri(const std::string& uri) {
  const size_t question = IsS3(uri) ? std::min(uri.find('?'), uri.size()) : uri.size();
  UriParts parts{uri.substr(0, question), uri.substr(question)};
  while (parts.place.size() > 1 && parts.place.ends_with('/') && !parts.place.ends_with("://")) {
    parts.place.pop_back();
  }
  return parts;
}

std::string UriOf(const std::string& store_uri, const std::string& key) {
  const UriParts store = SplitUri(store_uri);
  const std::string text = IsS3(store_uri) ? PercentEncode(key, /*keep_slash=*/true) : key;
  return store.place + (store.place.ends_with('/') ? "" : "/") + text + store.settings;
}

std::optional<std::string> KeyIn(const std::string& store_uri, const std::string& uri) {
  const std::string start = SplitUri(store_uri).place + "/";
  if (!uri.starts_with(start)) return std::nullopt;
  if (!IsS3(uri)) return uri.substr(start.size());
  // Not by SplitUri: a '/' at the end is of a prefix.
  const size_t end = std::min(uri.find('?'), uri.size());
  return PercentDecode(std::string_view(uri).substr(start.size(), end - start.size()));
}

UriLast SplitLast(const std::string& uri) {
  const UriParts parts = SplitUri(uri);
  const size_t scheme = parts.place.find("://");
  const size_t from = scheme == std::string::npos ? 0 : scheme + 3;
  const size_t slash = parts.place.rfind('/');
  if (slash == std::string::npos || slash < from) return {uri, ""};
  const std::string name = parts.place.substr(slash + 1);
  const std::string folder = parts.place.substr(0, std::max(slash, from));
  return {(folder.empty() || folder.ends_with("://") ? folder + "/" : folder) + parts.settings,
          IsS3(uri) ? PercentDecode(name) : name};
}

}  // namespace ocellus::store
