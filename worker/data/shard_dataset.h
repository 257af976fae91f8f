// The samples of tar shards.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "worker/data/dataset.h"
#include "worker/data/read_ahead.h"
#include "worker/data/shard.h"
#include "worker/data/shard_filler.h"
#include "worker/data/sources.h"

namespace ocellus::data {

// In the order of the sources, and within a shard in that of the tar.
class ShardDataset final : public Dataset {
 public:
  // Takes what is a shard or an object among `sources`. Opens every shard once for its index.
  // Throws as OpenDataset does.
  ShardDataset(const std::vector<Source>& sources, const DatasetOptions& options);

  int64_t size() const override { return starts_.back(); }
  Sample Get(int64_t index) const override;
  int64_t classes() const override { return static_cast<int64_t>(labels_.size()); }
  size_t Expect(std::span<const int64_t> indices) const override;
  int64_t read_ahead() const override { return ahead_ ? ahead_->samples() : 0; }
  int64_t max_pixels() const override { return max_pixels_; }
  const std::set<int64_t>& labels() const { return labels_; }

 private:
  Shard* ShardOf(int64_t index, int64_t* within) const;
  Sample Read(int64_t index) const;
  void OpenCache(const DatasetOptions& options);
  void OpenShards(const std::vector<Source>& sources, const DatasetOptions& options);
  void StartReading(const DatasetOptions& options);

  const int64_t max_pixels_;
  const bool masks_;
  mutable OpenFiles files_;
  std::unique_ptr<ShardCache> cache_;  // null: no shard is of a store, or none is kept
  std::vector<std::unique_ptr<Shard>> shards_;
  std::vector<ObjectShard*> objects_;  // those of shards_ that are of a store
  std::vector<int64_t> starts_{0};     // first sample of each shard, and the end
  std::set<int64_t> labels_;
  std::unique_ptr<ReadAhead> ahead_;  // null: nothing is read ahead
  std::unique_ptr<ShardFiller> filler_;
};

}  // namespace ocellus::data
