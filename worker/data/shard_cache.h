// Shards of a store that were brought to this machine's disk, shared by all processes that name the
// same folder.
//
//   <id>.tar      a whole shard; its modification time is that of its last use
//   <id>.ocxidx   its index (FORMAT.md), which stays when the shard goes
//   <id>.partial  a shard on its way: whoever holds its lock (flock) writes it
//   lock, lock-x  held for moments while names change, and while an index is made
//
// The id is made of address, ETag and size, so that another object under the same key is another
// shard. Nothing is synced: who reads samples holds them against the sums of the index, and drops a
// shard that is not what it was. A process may be killed at any instant: its locks end with it, and
// a partial file that nobody holds is removed. Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "worker/store/local_file.h"

namespace ocellus::data {

struct ShardCacheOptions {
  std::string folder;     // made when absent; "": nothing is kept
  int64_t bytes_max = 0;  // of all shards, partial ones at their full size
  // A shard that was used since is not removed to make room for another.
  std::chrono::seconds fresh{600};
};

class ShardCache {
 public:
  // Throws wire::Fault (user, BAD_CACHE) when the folder cannot be made or written to.
  explicit ShardCache(ShardCacheOptions options);

  // The path of a whole shard; "" when it is not there. One of another size is removed.
  std::string Find(const std::string& id, int64_t bytes) const;
  // Removes a shard that proved damaged.
  void Drop(const std::string& id) const;

  // The bytes of a kept index; "" when there is none.
  std::string LoadIndex(const std::string& id) const;
  void SaveIndex(const std::string& id, const std::string& bytes) const;
  // Held while an index is made, so that the ranks of a node do it once.
  std::unique_ptr<store::Descriptor> LockIndex(const std::string& id) const;

  // A shard on its way. Destroyed without Keep, nothing stays.
  class Filling {
   public:
    ~Filling();
    Filling(const Filling&) = delete;
    // Appends. False, once and for ever, when the disk takes no more.
    bool Append(std::span<const std::byte> bytes);
    // Begins anew.
    void Restart();
    // Gives the shard its name; false when not all of its bytes were appended.
    bool Keep();

   private:
    friend class ShardCache;
    Filling(const ShardCache* cache, std::string id, int64_t bytes, int fd);

    const ShardCache* cache_;
    const std::string id_;
    const int64_t bytes_;
    const store::Descriptor file_;
    int64_t written_ = 0;
    bool sound_ = true;
    bool kept_ = false;
  };

  enum class Begun { kYes, kThere, kElsewhere, kNoRoom };
  // The right to bring a shard here, when it is not there, no other process does it, and there is
  // room or shards that were used last before `fresh`. The cache must outlive the filling.
  Begun Begin(const std::string& id, int64_t bytes, std::unique_ptr<Filling>* filling) const;

  const std::string& folder() const { return options_.folder; }

 private:
  std::string PathOf(const std::string& id, const char* ending) const;
  // Removes dead processes' files and, when `bytes` do not fit, shards that were not used lately.
  // REQUIRES: the lock is held.
  bool MakeRoom(int64_t bytes) const;
  bool HasDisk(int64_t bytes) const;

  const ShardCacheOptions options_;
};

// What a shard is called in a cache: 32 hexadecimal digits.
std::string ShardId(const std::string& address, const std::string& version, int64_t bytes);

}  // namespace ocellus::data
