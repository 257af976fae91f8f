#include "worker/data/dataset.h"

#include <algorithm>
#include <set>

#include "worker/data/folder_dataset.h"
#include "worker/data/shard_dataset.h"
#include "worker/data/sources.h"
#include "worker/wire/fault.h"

namespace ocellus::data {
namespace {

// Datasets one after the other. Labels are taken as they are: class 3 of one is class 3 of another.
class ConcatDataset final : public Dataset {
 public:
  ConcatDataset(std::vector<std::shared_ptr<const Dataset>> parts, int64_t classes)
      : parts_(std::move(parts)), classes_(classes) {
    for (const auto& part : parts_) starts_.push_back(starts_.back() + part->size());
  }
  int64_t size() const override { return starts_.back(); }
  Sample Get(int64_t index) const override {
    const size_t part =
        std::upper_bound(starts_.begin(), starts_.end(), index) - starts_.begin() - 1;
    return parts_[part]->Get(index - starts_[part]);
  }
  int64_t classes() const override { return classes_; }
  int64_t max_pixels() const override { return parts_.front()->max_pixels(); }
  // Shards are the first part, and the only one that may lie in a store.
  int64_t read_ahead() const override { return parts_.front()->read_ahead(); }
  size_t Expect(std::span<const int64_t> indices) const override {
    size_t remembered = 0;
    for (const int64_t index : indices) {
      const bool first = index < starts_[1];
      if (first && parts_.front()->Expect(std::span(&index, 1)) == 0) break;
      ++remembered;
    }
    return remembered;
  }

 private:
  std::vector<std::shared_ptr<const Dataset>> parts_;
  std::vector<int64_t> starts_{0};
  int64_t classes_;
};

std::vector<std::string> Paths(const std::vector<Source>& sources, Source::Kind kind) {
  std::vector<std::string> paths;
  for (const Source& source : sources) {
    if (source.kind == kind) paths.push_back(source.path);
  }
  return paths;
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace

// Shards first, then folders, then single images, each in the order given.
std::shared_ptr<const Dataset> OpenDataset(const DatasetOptions& options) {
  const std::vector<Source> sources = ResolveSources(options.sources);
  std::vector<std::shared_ptr<const Dataset>> parts;
  std::set<int64_t> labels;
  if (!Paths(sources, Source::Kind::kShard).empty() ||
      !Paths(sources, Source::Kind::kObject).empty()) {
    auto part = std::make_shared<ShardDataset>(sources, options);
    labels.insert(part->labels().begin(), part->labels().end());
    parts.push_back(std::move(part));
  }
  for (const std::string& folder : Paths(sources, Source::Kind::kFolder)) {
    auto part = std::make_shared<FolderDataset>(folder, options.max_pixels, options.masks);
    for (int64_t label = 0; label < part->classes(); ++label) labels.insert(label);
    parts.push_back(std::move(part));
  }
  if (auto images = Paths(sources, Source::Kind::kImage); !images.empty()) {
    parts.push_back(
        std::make_shared<FolderDataset>(std::move(images), options.max_pixels, options.masks));
  }
  auto all = std::make_shared<ConcatDataset>(std::move(parts), static_cast<int64_t>(labels.size()));
  if (all->size() > 0) return all;
  throw wire::Fault(wire::FaultClass::kUser, "NO_DATA",
                    "no JPEG or PNG image in " + Joined(options.sources),
                    "name shards whose members end in .jpg or .png, or a folder with such files");
}

}  // namespace ocellus::data
