// An object store in a local folder: key a/b is the file <root>/a/b.
//
// Bytes go to <root>/~temp first, are synced, and get their name by one rename (Put) or link
// (PutIfAbsent); then the folders are synced. PutIfMatch compares and renames under a lock of ~temp
// that other writers share; a version is inode, time and size. '~' is not of a key, so List never
// shows that folder. A temporary file that nobody holds locked and nobody wrote for an hour
// belonged to a process that died; it is removed when a store is opened. One key cannot be the
// folder of another: with "a" there, writing "a/b" is an error.
//
// Fault outcomes: STORE_FULL (no space, quota), STORE_DENIED (permission, read-only), STORE_ERROR
// (input/output and the rest), OBJECT_MISSING, BAD_KEY.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/store/object_store.h"

namespace ocellus::store {

class LocalStore : public ObjectStore {
 public:
  // `root`: absolute, made when absent.
  explicit LocalStore(std::string root);

  std::unique_ptr<ObjectWriter> Write(const std::string& key) override;
  void Put(const std::string& key, std::span<const std::byte> bytes) override;
  bool PutIfAbsent(const std::string& key, std::span<const std::byte> bytes) override;
  bool PutIfMatch(const std::string& key, std::span<const std::byte> bytes,
                  const std::string& version) override;
  std::optional<ObjectInfo> Head(const std::string& key) override;
  size_t Read(const std::string& key, int64_t offset, std::span<std::byte> out) override;
  ObjectPage ListPage(const std::string& prefix, const std::string& after, size_t limit) override;
  void Delete(const std::string& key) override;
  int DropUnfinished(const std::string& prefix, std::chrono::seconds age) override;
  std::string uri() const override { return "file://" + root_; }

 private:
  friend class LocalWriter;

  // What must hold when a name is given.
  struct Precondition {
    bool absent = false;
    std::string version;  // "": any
  };

  // Removes dead writers' files that nobody wrote for `age`; returns how many.
  int SweepTemporaryFiles(std::chrono::seconds age);
  // Gives the temporary file its name, by rename or, when it must be absent, by link. False when
  // the precondition does not hold.
  bool Publish(const std::string& temporary, const std::string& key, const Precondition& must);
  // 0 or errno; EEXIST when the precondition does not hold.
  int GiveName(const std::string& temporary, const std::string& path, const Precondition& must);
  // 0 or errno: ENOENT when someone removed a folder meanwhile.
  int MakeFoldersOf(const std::string& key);
  [[noreturn]] void Fail(const char* action, const std::string& key, int error) const;
  std::string PathOf(const std::string& key) const { return root_ + "/" + key; }

  std::string root_;
};

}  // namespace ocellus::store
