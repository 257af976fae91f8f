// Brings shards of a store into the cache while samples are read by ranges.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "worker/data/object_shard.h"

namespace ocellus::data {

// Two threads that end when all shards are there. Where there is no room, or the store fails, they
// look again after a while. The processes of a node share the work: each begins elsewhere, and a
// shard that another one is at is left to it.
class ShardFiller {
 public:
  // Nothing is owned. REQUIRES: the shards have a cache.
  ShardFiller(std::vector<ObjectShard*> shards, std::function<void(const std::string&)> on_warning);
  // Waits for the requests under way.
  ~ShardFiller();
  ShardFiller(const ShardFiller&) = delete;

 private:
  void Work(size_t first);
  // Whether all are there; false when some must be looked at again.
  bool Pass(size_t first);
  ObjectShard::Filled FillOne(ObjectShard* shard);

  const std::vector<ObjectShard*> shards_;
  const std::function<void(const std::string&)> on_warning_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> warned_{false};
  std::mutex mutex_;
  std::condition_variable stopping_;
  std::vector<std::thread> threads_;
};

}  // namespace ocellus::data
