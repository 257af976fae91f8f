#include "worker/store/object_store.h"

#include <filesystem>

#include "worker/store/local_store.h"
#include "worker/wire/fault.h"

namespace ocellus::store {

std::string ObjectStore::Get(const std::string& key) {
  const auto info = Head(key);
  if (!info) {
    throw wire::Fault(wire::FaultClass::kStorage, "OBJECT_MISSING",
                      "store " + uri() + ": " + key + " does not exist",
                      "see what is there with `ocellus checkpoint list`");
  }
  // One Read is of one version; a byte of room tells whether it was whole.
  std::string bytes(static_cast<size_t>(info->bytes) + 1, '\0');
  for (;;) {
    const size_t got = Read(key, 0, std::as_writable_bytes(std::span(bytes)));
    const bool whole = got < bytes.size();
    bytes.resize(whole ? got : bytes.size() * 2);
    if (whole) return bytes;
  }
}

void ObjectStore::DeletePrefix(const std::string& prefix) {
  if (prefix.empty() || prefix.back() != '/') {
    throw wire::Fault(wire::FaultClass::kStorage, "BAD_KEY",
                      "store " + uri() + ": will not delete all of '" + prefix + "'",
                      "a prefix to delete ends with '/'");
  }
  for (const ObjectInfo& object : List(prefix)) Delete(object.key);
}

std::unique_ptr<ObjectStore> OpenStore(const std::string& uri) {
  const size_t scheme_end = uri.find("://");
  std::string folder = uri;
  if (scheme_end != std::string::npos) {
    folder = uri.substr(scheme_end + 3);
    if (uri.substr(0, scheme_end) != "file" || !folder.starts_with('/')) {
      throw wire::Fault(wire::FaultClass::kUser, "BAD_STORE", "store " + uri + " cannot be opened",
                        "give file:///absolute/folder or a path");
    }
  }
  if (folder.empty()) {
    throw wire::Fault(wire::FaultClass::kUser, "BAD_STORE", "the store has no address",
                      "give file:///absolute/folder or a path");
  }
  std::string path = std::filesystem::absolute(folder).lexically_normal().string();
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return std::make_unique<LocalStore>(path);
}

}  // namespace ocellus::store
