// Objects under keys: in a local folder (local_store.h) or in S3 (s3_store.h). One conformance
// suite holds both.
//
// A key is a relative path: parts of UTF-8 joined by '/', no part empty, "." or "..", beginning
// with
// '~', longer than 255 bytes, or with control characters or '\'; 1,024 bytes at most
// (object_key.h). An object is visible whole or not at all: a reader never sees half a Put.
// Thread-safe. Errors are thrown as wire::Fault of class storage; the message names store, key and
// cause, the hint what to do. Outcomes: local_store.h, s3_error.h; credentials stand in none of
// them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace ocellus::store {

struct ObjectInfo {
  std::string key;
  int64_t bytes = 0;
  // What Head knows besides; List leaves it out.
  std::string version = {};             // changes with every write; for PutIfMatch
  std::optional<uint32_t> crc32c = {};  // of the whole object, when the store keeps it
};

// Objects in byte order of their keys, and whether there are more behind the last one.
struct ObjectPage {
  std::vector<ObjectInfo> objects;
  bool more = false;
};

// How a store takes many bytes best: in objects of about `bytes` each, `parallel` at a time. 0
// bytes: as one object of any size.
struct Portions {
  size_t bytes = 0;
  int parallel = 1;
};

// Receives an object part by part; Finish makes it visible. Destroyed without Finish, nothing
// stays.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;
  virtual void Append(std::span<const std::byte> part) = 0;
  virtual void Finish() = 0;  // durable when it returns
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  virtual std::unique_ptr<ObjectWriter> Write(const std::string& key) = 0;
  // Whole object at once, durable when it returns.
  virtual void Put(const std::string& key, std::span<const std::byte> bytes) = 0;
  // The bytes of a local file. The file must not change meanwhile.
  void PutFile(const std::string& key, const std::string& path);
  // Only when the key is absent (If-None-Match: *); false when it exists. Atomic among writers.
  virtual bool PutIfAbsent(const std::string& key, std::span<const std::byte> bytes) = 0;
  // Only when the object's version is `version`; false when it is another one or the key is absent.
  // Atomic among writers.
  virtual bool PutIfMatch(const std::string& key, std::span<const std::byte> bytes,
                          const std::string& version) = 0;

  virtual std::optional<ObjectInfo> Head(const std::string& key) = 0;
  // [offset, offset + out.size()) of the object; fewer bytes only at its end. Returns bytes read.
  // All of them are of one version. A range has no checksum: who reads ranges checks his own sums.
  virtual size_t Read(const std::string& key, int64_t offset, std::span<std::byte> out) = 0;
  // As Read, but of the version that Head told; OBJECT_CHANGED (class storage) when the object is
  // another one now.
  virtual size_t ReadVersion(const std::string& key, const std::string& version, int64_t offset,
                             std::span<std::byte> out);
  // The whole object, held against its checksum when the store keeps one (OBJECT_DAMAGED); absent
  // is an error.
  virtual std::string Get(const std::string& key);

  // Up to `limit` keys that start with `prefix` and come after `after`; fewer though there are more
  // is possible.
  virtual ObjectPage ListPage(const std::string& prefix, const std::string& after,
                              size_t limit) = 0;
  // All of them, in byte order.
  std::vector<ObjectInfo> List(const std::string& prefix);
  // Absent is no error.
  virtual void Delete(const std::string& key) = 0;
  // All of them, in the order given as far as the store has one: S3 deletes a thousand at once.
  virtual void DeleteAll(std::span<const std::string> keys);
  // In byte order. `prefix` ends with '/', so that j-1 does not take j-10 along.
  void DeletePrefix(const std::string& prefix);
  // Frees what writers below `prefix` that died left behind, when it is older than `age`. Returns
  // how many. The folder's writers leave nothing by keys: there it is those of all keys.
  virtual int DropUnfinished(const std::string& prefix, std::chrono::seconds age) = 0;

  virtual Portions portions() const { return {}; }

  virtual std::string uri() const = 0;  // "file:///data/store"; OpenStore opens the same by it
};

// "file:///abs/folder", a plain path (the folder is made when absent), or "s3://bucket/prefix"
// (s3_address.h; not connected to before the first call). Unknown schemes are errors.
std::unique_ptr<ObjectStore> OpenStore(const std::string& uri);

}  // namespace ocellus::store
