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
};

struct ShardIndex {
  FileStamp shard;
  std::vector<ShardSample> samples;
};

// Reads the tar through: groups neighbouring members by WebDataset's key (the path up to the first
// dot of its last part); jpg, jpeg and png make a sample; cls, txt, json and mask.png belong to it;
// the rest is left aside. Throws wire::Fault (user, BAD_SHARD) as TarReader does, or when a cls is
// no number.
ShardIndex BuildShardIndex(const File& shard);

// The bytes of FORMAT.md. Decode returns false for any other bytes, of a different version too.
std::string EncodeShardIndex(const ShardIndex& index);
bool DecodeShardIndex(const std::string& bytes, ShardIndex* index);

// The kept index when it is of this very shard (size and time), else a new one, which is kept
// beside the shard or, where that is not writable, in $XDG_CACHE_HOME/ocellus/index.
ShardIndex OpenShardIndex(const File& shard);

}  // namespace ocellus::data
