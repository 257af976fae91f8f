// The samples of tar shards.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "worker/data/dataset.h"
#include "worker/data/file.h"
#include "worker/data/shard_index.h"

namespace ocellus::data {

// In the order of `paths`, and within a shard in that of the tar. A sample is one or two reads.
class ShardDataset final : public Dataset {
 public:
  // Opens every shard once for its index; keeps few of them open. Throws as OpenDataset does.
  ShardDataset(std::vector<std::string> paths, int64_t max_pixels, bool masks);

  int64_t size() const override { return starts_.back(); }
  Sample Get(int64_t index) const override;
  int64_t classes() const override { return static_cast<int64_t>(labels_.size()); }
  int64_t max_pixels() const override { return max_pixels_; }
  const std::set<int64_t>& labels() const { return labels_; }

 private:
  std::shared_ptr<const File> Open(size_t shard) const;

  std::vector<std::string> paths_;
  std::vector<ShardIndex> indexes_;
  std::vector<int64_t> starts_{0};  // first sample of each shard, and the end
  std::set<int64_t> labels_;
  int64_t max_pixels_;
  bool masks_;

  mutable std::mutex mutex_;
  mutable std::vector<std::shared_ptr<const File>> open_;  // by shard; null when closed
  mutable std::list<size_t> opened_;                       // oldest first
};

}  // namespace ocellus::data
