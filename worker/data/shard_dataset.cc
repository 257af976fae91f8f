#include "worker/data/shard_dataset.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "worker/wire/fault.h"

namespace ocellus::data {
namespace {

constexpr size_t kOpeners = 8;  // shards of a store that are opened at a time

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

// Runs body(i) for i below `count` on several threads; the exception of the smallest i comes out.
template <typename Body>
void ForEach(size_t count, Body body) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  size_t failed = count;
  const auto work = [&] {
    for (size_t i = next++; i < count; i = next++) {
      try {
        body(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (i < failed) failure = std::current_exception();
        failed = std::min(failed, i);
        next = count;
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (size_t i = 1; i < std::min(count, kOpeners); ++i) threads.emplace_back(work);
    work();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace

ShardDataset::ShardDataset(const std::vector<Source>& sources, const DatasetOptions& options)
    : max_pixels_(options.max_pixels), masks_(options.masks) {
  OpenCache(options);
  OpenShards(sources, options);
  for (const auto& shard : shards_) {
    const std::vector<ShardSample>& samples = shard->index().samples;
    starts_.push_back(starts_.back() + static_cast<int64_t>(samples.size()));
    for (const ShardSample& sample : samples) {
      if (sample.label >= 0) labels_.insert(sample.label);
    }
  }
  StartReading(options);
}

// A folder that was named must do; without one, a machine where none can be made has no cache.
void ShardDataset::OpenCache(const DatasetOptions& options) {
  const bool named = !options.store.cache_folder.empty();
  const std::string folder = named ? options.store.cache_folder : UserCacheFolder("shards");
  if (options.store.cache_bytes_max == 0 || folder.empty()) return;
  const ShardCacheOptions cache{folder, options.store.cache_bytes_max, options.store.cache_fresh};
  try {
    cache_ = std::make_unique<ShardCache>(cache);
  } catch (const wire::Fault& fault) {
    if (named) throw;
    if (options.on_warning) options.on_warning(std::string("no cache: ") + fault.what());
  }
}

void ShardDataset::OpenShards(const std::vector<Source>& sources, const DatasetOptions& options) {
  std::vector<const Source*> wanted;
  for (const Source& source : sources) {
    const bool shard = source.kind == Source::Kind::kShard || source.kind == Source::Kind::kObject;
    if (shard) wanted.push_back(&source);
  }
  shards_.resize(wanted.size());
  const ObjectShardParts parts{&files_, cache_.get(), options.on_warning};
  ForEach(wanted.size(), [&](size_t i) {
    if (wanted[i]->kind == Source::Kind::kObject) {
      shards_[i] = std::make_unique<ObjectShard>(wanted[i]->store, wanted[i]->path, parts);
    } else {
      shards_[i] = std::make_unique<FileShard>(wanted[i]->path, &files_);
    }
  });
  for (const auto& shard : shards_) {
    if (auto* object = dynamic_cast<ObjectShard*>(shard.get())) objects_.push_back(object);
  }
}

void ShardDataset::StartReading(const DatasetOptions& options) {
  if (objects_.empty()) return;
  if (options.store.read_ahead > 0) {
    ahead_ = std::make_unique<ReadAhead>([this](int64_t index) { return Read(index); },
                                         options.store.connections, options.store.read_ahead);
  }
  if (cache_) filler_ = std::make_unique<ShardFiller>(objects_, options.on_warning);
}

Shard* ShardDataset::ShardOf(int64_t index, int64_t* within) const {
  const auto after = std::upper_bound(starts_.begin(), starts_.end(), index);
  const size_t shard = after - starts_.begin() - 1;
  *within = index - starts_[shard];
  return shards_[shard].get();
}

Sample ShardDataset::Read(int64_t index) const {
  int64_t within = 0;
  Shard* shard = ShardOf(index, &within);
  const ShardSample& entry = shard->index().samples[within];
  std::vector<Piece> pieces{{entry.image_offset, entry.image_bytes, entry.image_crc32c}};
  const bool caption = entry.caption != CaptionKind::kNone;
  const bool mask = masks_ && entry.mask_bytes > 0;
  if (caption) {
    pieces.push_back({entry.caption_offset, entry.caption_bytes, entry.caption_crc32c});
  }
  if (mask) pieces.push_back({entry.mask_offset, entry.mask_bytes, entry.mask_crc32c});
  std::vector<std::string> bytes = shard->Read(pieces);
  Sample sample;
  sample.key = shard->name() + ":" + entry.name;
  sample.label = entry.label;
  sample.image = std::move(bytes[0]);
  if (caption) sample.caption = Caption(entry.caption, bytes[1]);
  if (mask) sample.mask = std::move(bytes.back());
  return sample;
}

Sample ShardDataset::Get(int64_t index) const {
  if (ahead_) {
    if (auto sample = ahead_->Take(index)) return *std::move(sample);
  }
  return Read(index);
}

size_t ShardDataset::Expect(std::span<const int64_t> indices) const {
  if (!ahead_) return indices.size();
  size_t remembered = 0;
  for (const int64_t index : indices) {
    int64_t within = 0;
    const bool far = ShardOf(index, &within)->far();
    if (far && ahead_->Expect(std::span(&index, 1)) == 0) break;
    ++remembered;
  }
  return remembered;
}

}  // namespace ocellus::data
