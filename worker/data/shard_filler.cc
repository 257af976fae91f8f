#include "worker/data/shard_filler.h"

#include <chrono>
#include <exception>
#include <random>
#include <utility>

namespace ocellus::data {
namespace {

constexpr size_t kThreads = 2;
constexpr std::chrono::seconds kPause{15};

}  // namespace

ShardFiller::ShardFiller(std::vector<ObjectShard*> shards,
                         std::function<void(const std::string&)> on_warning)
    : shards_(std::move(shards)), on_warning_(std::move(on_warning)) {
  std::random_device random;
  for (size_t i = 0; i < kThreads; ++i) {
    threads_.emplace_back([this, first = random() % shards_.size()] { Work(first); });
  }
}

ShardFiller::~ShardFiller() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  stopping_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void ShardFiller::Work(size_t first) {
  while (!stop_ && !Pass(first)) {
    std::unique_lock lock(mutex_);
    stopping_.wait_for(lock, kPause, [this] { return stop_.load(); });
  }
}

bool ShardFiller::Pass(size_t first) {
  bool all = true;
  for (size_t i = 0; i < shards_.size() && !stop_; ++i) {
    ObjectShard* shard = shards_[(first + i) % shards_.size()];
    if (!shard->far()) continue;
    const ObjectShard::Filled filled = FillOne(shard);
    if (filled == ObjectShard::Filled::kNoRoom) return false;  // the others would not fit either
    all = all && filled == ObjectShard::Filled::kYes;
  }
  return all;
}

ObjectShard::Filled ShardFiller::FillOne(ObjectShard* shard) {
  try {
    return shard->Fill(stop_);
  } catch (const std::exception& error) {
    // Samples go on to be read by ranges; whether that works is theirs to tell.
    if (!warned_.exchange(true) && on_warning_) {
      on_warning_(std::string("a shard was not brought into the cache: ") + error.what());
    }
    return ObjectShard::Filled::kNoRoom;
  }
}

}  // namespace ocellus::data
