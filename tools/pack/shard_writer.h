// Samples to numbered tar shards, with the index of each beside it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/pack/tar_writer.h"

namespace ocellus::pack {

// Extension and content of a sample's members; or name and content of loose files.
using Members = std::vector<std::pair<std::string, std::string>>;

// Spreads `count` samples evenly, in order, over `shards` files "<prefix>-000000.tar" ... in
// `folder`, which is made when it is not there. All functions throw wire::Fault (user) with the
// path when something cannot be written.
class ShardWriter {
 public:
  ShardWriter(std::string folder, std::string prefix, int64_t count, int shards);

  // The next sample, its key being its number. REQUIRES: called `count` times at most.
  void Add(const Members& members);

  // Closes the last shard, builds the indexes, writes the loose files.
  void Finish(const Members& files);

 private:
  void CloseShard();

  const std::string folder_;
  const std::string prefix_;
  const int64_t count_;
  const int shards_;
  int64_t added_ = 0;
  int opened_ = 0;  // shards so far
  std::unique_ptr<TarWriter> tar_;
  std::vector<std::string> paths_;
};

}  // namespace ocellus::pack
