// A dataset in memory for the loader's tests, and what its batches hold by position.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/worker/data/test_images.h"
#include "worker/data/loader.h"

namespace ocellus::data {

// A sample's label is its index.
class MemoryDataset final : public Dataset {
 public:
  explicit MemoryDataset(int64_t size) {
    for (int i = 0; i < size; ++i) images_.push_back(TestJpeg(i, 40 + i % 9, 36 + i % 5));
  }
  int64_t size() const override { return static_cast<int64_t>(images_.size()); }
  Sample Get(int64_t index) const override {
    if (index == fails_at) {
      throw wire::Fault(wire::FaultClass::kStorage, "DATA_UNREADABLE", "gone", "look");
    }
    const auto mask = masks_.find(index);
    return {"m:" + std::to_string(index), images_[index], index, "caption " + std::to_string(index),
            mask == masks_.end() ? "" : mask->second};
  }
  int64_t classes() const override { return size(); }

  std::vector<std::string> images_;
  std::map<int64_t, std::string> masks_;
  int64_t fails_at = -1;
};

// Corrupt, empty and truncated images, and one over the pixel limit.
inline std::shared_ptr<MemoryDataset> WithBadSamples() {
  auto dataset = std::make_shared<MemoryDataset>(24);
  dataset->images_[3] = "";
  dataset->images_[7] = dataset->images_[7].substr(0, 400);
  dataset->images_[11] = "not an image";
  dataset->images_[13].replace(dataset->images_[13].find("\xFF\xC0") + 5, 4, "\x7F\xFF\x7F\xFF");
  return dataset;
}

inline std::shared_ptr<std::byte[]> AllocatePlain(size_t bytes) {
  return std::shared_ptr<std::byte[]>(new std::byte[bytes]);
}

// use(batch, i) for the i-th batch of each rank, over steps [first, last).
template <class Use>
void ForEachBatch(const std::shared_ptr<const Dataset>& dataset, LoaderOptions options,
                  int64_t first, int64_t last, const Use& use) {
  for (options.rank = 0; options.rank < options.world; ++options.rank) {
    const auto loader = MakeLoader(dataset, options, first, AllocatePlain, nullptr);
    for (int64_t i = 0; i < (last - first) * options.accumulate; ++i) use(loader->Next(), i);
  }
}

}  // namespace ocellus::data
