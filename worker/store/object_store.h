// Objects under keys: a local folder today, S3 later. One conformance suite holds all of them.
//
// A key is a relative path of [A-Za-z0-9._-] parts joined by '/', no part empty, "." or "..". An
// object is visible whole or not at all: a reader never sees half a Put. Thread-safe.
// Errors are thrown as wire::Fault of class storage; the message names store, key and cause
// (no space left, permission, input/output error).
#pragma once

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
  // Only when the key is absent (If-None-Match: *); false when it exists. Atomic among writers.
  virtual bool PutIfAbsent(const std::string& key, std::span<const std::byte> bytes) = 0;

  virtual std::optional<ObjectInfo> Head(const std::string& key) = 0;
  // [offset, offset + out.size()) of the object; fewer bytes only at its end. Returns bytes read.
  virtual size_t Read(const std::string& key, int64_t offset, std::span<std::byte> out) = 0;
  std::string Get(const std::string& key);  // the whole object; absent is an error
  // Keys that start with `prefix`, in byte order.
  virtual std::vector<ObjectInfo> List(const std::string& prefix) = 0;
  // Absent is no error.
  virtual void Delete(const std::string& key) = 0;
  // In byte order. `prefix` ends with '/', so that j-1 does not take j-10 along.
  void DeletePrefix(const std::string& prefix);

  virtual std::string uri() const = 0;  // "file:///data/store"
};

// "file:///abs/folder" or a plain path. The folder is made when absent. Unknown schemes are errors.
std::unique_ptr<ObjectStore> OpenStore(const std::string& uri);

}  // namespace ocellus::store
