// Where the samples of one tar shard lie, so that each is reachable by one read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/data/file.h"

namespace ocellus::data {

enum class CaptionKind : uint32_t { kNone = 0, kText = 1, kJson = 2 };

struct ShardSample {
  int64_t image_offset = 0;
  int64_t image_bytes = 0;
  int64_t caption_offset = 0;
  int64_t caption_bytes = 0;
  int64_t mask_offset = 0;
  int64_t mask_bytes = 0;  // 0 when there is none
  int64_t label = -1;
  CaptionKind caption = CaptionKind::kNone;
  std::string name;  // of the image in the tar
  // CRC-32C of the bytes, in the index of an object; 0 in that of a file.
  uint32_t image_crc32c = 0;
  uint32_t caption_crc32c = 0;
  uint32_t mask_crc32c = 0;
};

struct ShardIndex {
  FileStamp shard;      // of an object: its size, and no time
  std::string version;  // of an object: its ETag; "" for a file
  std::vector<ShardSample> samples;
};

// Reads the tar through: groups neighbouring members by WebDataset's key (the path up to the first
// dot of its last part); jpg, jpeg and png make a sample; cls, txt, json and mask.png belong to it;
// the rest is left aside. `sums`: also reads the members' bytes, from front to back. Throws
// wire::Fault (user, BAD_SHARD) as TarReader does, or when a cls is no number.
std::vector<ShardSample> ListSamples(const ByteSource& shard, bool sums);
ShardIndex BuildShardIndex(const File& shard);

// The bytes of FORMAT.md: version 03 when `version` is set, else 02. Decode returns false for any
// other bytes.
std::string EncodeShardIndex(const ShardIndex& index);
bool DecodeShardIndex(const std::string& bytes, ShardIndex* index);

// The kept index when it is of this very shard (size and time), else a new one, which is kept
// beside the shard or, where that is not writable, in $XDG_CACHE_HOME/ocellus/index.
ShardIndex OpenShardIndex(const File& shard);

// "$XDG_CACHE_HOME/ocellus/<name>", or below ~/.cache; empty when neither is known.
std::string UserCacheFolder(const std::string& name);

// Writes under another name first: readers see the whole file or none. False when it cannot be
// written.
bool SaveWhole(const std::string& path, const std::string& bytes);

}  // namespace ocellus::data
