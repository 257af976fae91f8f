// One tar shard, wherever it lies: a file here, or an object of a store (object_shard.h).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "worker/data/file.h"
#include "worker/data/shard_index.h"

namespace ocellus::data {

// Bytes of a shard that are read together.
struct Piece {
  int64_t offset = 0;
  int64_t bytes = 0;
  uint32_t crc32c = 0;  // of an object's; nothing is known of a file's
};

class Shard {
 public:
  virtual ~Shard() = default;
  const std::string& name() const { return name_; }  // for messages
  const ShardIndex& index() const { return index_; }

  // Thread-safe. Throws wire::Fault (storage) when the bytes cannot be read or the shard is
  // another one by now.
  virtual std::vector<std::string> Read(std::span<const Piece> pieces) = 0;
  // Whether reading asks a server, so that it is worth to begin early.
  virtual bool far() const { return false; }

 protected:
  std::string name_;
  ShardIndex index_;
};

class FileShard final : public Shard {
 public:
  // Opens it for its index. `files` is not owned. Throws as OpenDataset does.
  FileShard(const std::string& path, OpenFiles* files);
  std::vector<std::string> Read(std::span<const Piece> pieces) override;

 private:
  OpenFiles* files_;
};

}  // namespace ocellus::data
