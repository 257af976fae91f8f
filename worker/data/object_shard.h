// A shard in an object store.
//
// Samples are read by ranges until the whole shard is in the cache, then from there. Every sample
// is held against its CRC-32C in the index, wherever it came from.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/data/object_stream.h"
#include "worker/data/shard.h"
#include "worker/data/shard_cache.h"
#include "worker/store/object_store.h"

namespace ocellus::data {

// What the shards of a dataset have in common. Nothing is owned but the function, which is called
// by any thread, with one line, and may be empty.
struct ObjectShardParts {
  OpenFiles* files = nullptr;
  const ShardCache* cache = nullptr;  // null: nothing is kept on disk
  std::function<void(const std::string&)> on_warning;
};

class ObjectShard final : public Shard {
 public:
  // Finds the index: in the cache, beside the shard (<key>.ocxidx), or by reading the shard through
  // once, which brings it into the cache where there is room. Throws as OpenDataset does.
  ObjectShard(std::shared_ptr<store::ObjectStore> store, const std::string& key,
              ObjectShardParts parts);

  std::vector<std::string> Read(std::span<const Piece> pieces) override;
  bool far() const override { return !near_; }

  enum class Filled { kYes, kElsewhere, kNoRoom, kStopped };
  // Brings the shard into the cache; kElsewhere: another process is at it. Throws wire::Fault
  // (storage).
  Filled Fill(const std::atomic<bool>& stop);

 private:
  void Find();
  bool TakeIndex(const std::string& bytes);
  void MakeIndex();
  std::vector<ShardSample> Stream(bool list, const std::atomic<bool>& stop,
                                  std::unique_ptr<ShardCache::Filling>* filling);
  std::optional<std::vector<std::string>> ReadCached(std::span<const Piece> pieces);
  std::vector<std::string> ReadStore(std::span<const Piece> pieces) const;
  void Touch(const File& file);
  void Warn(const std::string& line) const;

  const std::shared_ptr<store::ObjectStore> store_;
  const ObjectShardParts parts_;
  store::ObjectInfo info_;
  std::string id_;  // in the cache
  std::atomic<bool> near_{false};
  std::atomic<int64_t> touched_{0};  // seconds
};

// The keeping of an index beside the shard itself, where it serves every machine. False when one of
// this very shard is there.
bool PublishIndex(store::ObjectStore* store, const std::string& key);

}  // namespace ocellus::data
