#include "worker/data/shard_dataset.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "worker/wire/fault.h"

namespace ocellus::data {
namespace {

constexpr size_t kOpenShards = 256;  // descriptors held at a time

std::string Trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

std::string Caption(CaptionKind kind, const std::string& text) {
  if (kind == CaptionKind::kText) return Trimmed(text);
  const nlohmann::json object = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return "";
  const auto caption = object.find("caption");
  return caption != object.end() && caption->is_string() ? Trimmed(caption->get<std::string>())
                                                         : "";
}

}  // namespace

ShardDataset::ShardDataset(std::vector<std::string> paths, int64_t max_pixels, bool masks)
    : paths_(std::move(paths)), max_pixels_(max_pixels), masks_(masks), open_(paths_.size()) {
  for (const std::string& path : paths_) {
    indexes_.push_back(OpenShardIndex(File(path)));
    starts_.push_back(starts_.back() + static_cast<int64_t>(indexes_.back().samples.size()));
    for (const ShardSample& sample : indexes_.back().samples) {
      if (sample.label >= 0) labels_.insert(sample.label);
    }
  }
}

Sample ShardDataset::Get(int64_t index) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), index);
  const size_t shard = after - starts_.begin() - 1;
  const ShardSample& entry = indexes_[shard].samples[index - starts_[shard]];
  const std::shared_ptr<const File> file = Open(shard);
  Sample sample;
  sample.key = paths_[shard] + ":" + entry.name;
  sample.image = file->ReadExactly(entry.image_offset, entry.image_bytes);
  sample.label = entry.label;
  if (entry.caption != CaptionKind::kNone) {
    sample.caption =
        Caption(entry.caption, file->ReadExactly(entry.caption_offset, entry.caption_bytes));
  }
  if (masks_ && entry.mask_bytes > 0) {
    sample.mask = file->ReadExactly(entry.mask_offset, entry.mask_bytes);
  }
  return sample;
}

std::shared_ptr<const File> ShardDataset::Open(size_t shard) const {
  std::lock_guard lock(mutex_);
  if (open_[shard] != nullptr) return open_[shard];
  auto file = std::make_shared<const File>(paths_[shard]);
  if (!(file->stamp() == indexes_[shard].shard)) {
    throw wire::Fault(wire::FaultClass::kStorage, "DATA_UNREADABLE",
                      paths_[shard] + ": was changed during the run", "start the job again");
  }
  if (opened_.size() >= kOpenShards) {
    open_[opened_.front()] = nullptr;
    opened_.pop_front();
  }
  opened_.push_back(shard);
  return open_[shard] = file;
}

}  // namespace ocellus::data
