// An object store in a local folder: key a/b is the file <root>/a/b.
//
// Bytes go to <root>/~temp first, are synced, and get their name by one rename (Put) or link
// (PutIfAbsent); then the folders are synced. '~' is not of a key, so List never shows that folder.
// A temporary file that nobody holds locked and nobody wrote for an hour belonged to a process that
// died; it is removed when a store is opened. One key cannot be the folder of another: with "a"
// there, writing "a/b" is an error.
//
// Fault outcomes: STORE_FULL (no space, quota), STORE_DENIED (permission, read-only), STORE_ERROR
// (input/output and the rest), OBJECT_MISSING, BAD_KEY.
#pragma once

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
  std::optional<ObjectInfo> Head(const std::string& key) override;
  size_t Read(const std::string& key, int64_t offset, std::span<std::byte> out) override;
  std::vector<ObjectInfo> List(const std::string& prefix) override;
  void Delete(const std::string& key) override;
  std::string uri() const override { return "file://" + root_; }

 private:
  friend class LocalWriter;

  void SweepTemporaryFiles();
  // Gives the temporary file its name, by rename or, with `only_if_absent`, by link. False when the
  // name was there already.
  bool Publish(const std::string& temporary, const std::string& key, bool only_if_absent);
  // 0 or errno: ENOENT when someone removed a folder meanwhile.
  int MakeFoldersOf(const std::string& key);
  [[noreturn]] void Fail(const char* action, const std::string& key, int error) const;
  std::string PathOf(const std::string& key) const { return root_ + "/" + key; }

  std::string root_;
};

}  // namespace ocellus::store
