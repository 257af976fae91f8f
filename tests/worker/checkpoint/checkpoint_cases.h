// Small states, folders and stores for tests of checkpoints.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/temp_folder.h"
#include "worker/checkpoint/manifest.h"
#include "worker/checkpoint/restore.h"
#include "worker/checkpoint/snapshot.h"
#include "worker/store/object_store.h"

namespace ocellus::checkpoint {

// Hands everything on to another store, but asks `before_append` before each part that is written,
// and `before_read`, if given, before each part that is read.
class WatchedStore final : public store::ObjectStore {
 public:
  using Ask = std::function<void(const std::string& key)>;
  WatchedStore(store::ObjectStore* inner, Ask before_append, Ask before_read = nullptr)
      : inner_(inner),
        before_append_(std::move(before_append)),
        before_read_(std::move(before_read)) {}
  std::unique_ptr<store::ObjectWriter> Write(const std::string& key) override;
  void Put(const std::string& key, std::span<const std::byte> bytes) override;
  bool PutIfAbsent(const std::string& key, std::span<const std::byte> bytes) override;
  bool PutIfMatch(const std::string& key, std::span<const std::byte> bytes,
                  const std::string& version) override {
    return inner_->PutIfMatch(key, bytes, version);
  }
  std::optional<store::ObjectInfo> Head(const std::string& key) override;
  size_t Read(const std::string& key, int64_t offset, std::span<std::byte> out) override;
  store::ObjectPage ListPage(const std::string& prefix, const std::string& after,
                             size_t limit) override {
    return inner_->ListPage(prefix, after, limit);
  }
  void Delete(const std::string& key) override { inner_->Delete(key); }
  int DropUnfinished(const std::string& prefix, std::chrono::seconds age) override {
    return inner_->DropUnfinished(prefix, age);
  }
  std::string uri() const override { return inner_->uri(); }

 private:
  store::ObjectStore* inner_;
  Ask before_append_;
  Ask before_read_;
};

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& bytes);

// A view of `values` as one F32 tensor; `values` must outlive it.
TensorView FloatView(const std::string& name, const std::vector<float>& values);

// The same as a source that copies them.
TensorSource FloatSource(const std::string& name, const std::vector<float>& values);

// Everything of a manifest but its files.
Manifest SmallManifest(int64_t step);

// Writes and commits a checkpoint of two files whose values are `step`. Returns where.
Candidate WriteCheckpoint(store::ObjectStore& store, int64_t step);

}  // namespace ocellus::checkpoint
