#include "worker/store/object_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>

#include "worker/store/local_file.h"
#include "worker/store/local_store.h"
#include "worker/store/s3_error.h"
#include "worker/store/s3_store.h"
#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

constexpr size_t kFilePartBytes = 1 << 20;

[[noreturn]] void RefuseUri(const std::string& message) {
  throw wire::Fault(wire::FaultClass::kUser, "BAD_STORE", message,
                    "give file:///absolute/folder, a path, or s3://BUCKET/PREFIX");
}

}  // namespace

std::string ObjectStore::Get(const std::string& key) {
  const auto info = Head(key);
  if (!info) ThrowMissing(uri(), key);
  // One Read is of one version; a byte of room tells whether it was whole.
  std::string bytes(static_cast<size_t>(info->bytes) + 1, '\0');
  for (;;) {
    const size_t got = Read(key, 0, std::as_writable_bytes(std::span(bytes)));
    const bool whole = got < bytes.size();
    bytes.resize(whole ? got : bytes.size() * 2);
    if (whole) return bytes;
  }
}

size_t ObjectStore::ReadVersion(const std::string& key, const std::string& version, int64_t offset,
                                std::span<std::byte> out) {
  const size_t got = Read(key, offset, out);
  const auto info = Head(key);
  if (!info || info->version != version) ThrowChanged(uri(), key);
  return got;
}

void ObjectStore::PutFile(const std::string& key, const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const auto writer = Write(key);
  std::vector<std::byte> part(kFilePartBytes);
  for (;;) {
    const ssize_t got = file.get() < 0 ? -1 : read(file.get(), part.data(), part.size());
    if (got < 0 && (file.get() < 0 || errno != EINTR)) {
      throw wire::Fault(wire::FaultClass::kStorage, "STORE_ERROR",
                        "cannot read " + path + ": " + std::strerror(errno),
                        "look at the file and its permissions");
    }
    if (got == 0) break;
    if (got > 0) writer->Append(std::span(part).first(static_cast<size_t>(got)));
  }
  writer->Finish();
}

std::vector<ObjectInfo> ObjectStore::List(const std::string& prefix) {
  ObjectPage page = ListPage(prefix, "", std::numeric_limits<size_t>::max());
  std::vector<ObjectInfo> objects = std::move(page.objects);
  while (page.more) {
    page = ListPage(prefix, objects.back().key, std::numeric_limits<size_t>::max());
    objects.insert(objects.end(), page.objects.begin(), page.objects.end());
  }
  return objects;
}

void ObjectStore::DeleteAll(std::span<const std::string> keys) {
  for (const std::string& key : keys) Delete(key);
}

void ObjectStore::DeletePrefix(const std::string& prefix) {
  if (prefix.empty() || prefix.back() != '/') {
    throw wire::Fault(wire::FaultClass::kStorage, "BAD_KEY",
                      "store " + uri() + ": will not delete all of '" + prefix + "'",
                      "a prefix to delete ends with '/'");
  }
  std::vector<std::string> keys;
  for (ObjectInfo& object : List(prefix)) keys.push_back(std::move(object.key));
  DeleteAll(keys);
}

std::unique_ptr<ObjectStore> OpenStore(const std::string& uri) {
  if (uri.starts_with("s3://")) return S3Store::Open(uri);
  const size_t scheme_end = uri.find("://");
  std::string folder = uri;
  if (scheme_end != std::string::npos) {
    folder = uri.substr(scheme_end + 3);
    if (uri.substr(0, scheme_end) != "file" || !folder.starts_with('/')) {
      RefuseUri("store " + uri + " cannot be opened");
    }
  }
  if (folder.empty()) RefuseUri("the store has no address");
  std::string path = std::filesystem::absolute(folder).lexically_normal().string();
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return std::make_unique<LocalStore>(path);
}

}  // namespace ocellus::store
