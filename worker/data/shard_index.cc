#include "worker/data/shard_index.h"

#include <algorithm>
#include <charconv>
#include <span>

#include "worker/data/tar_reader.h"
#include "worker/store/crc32c.h"
#include "worker/wire/fault.h"

namespace ocellus::data {
namespace {

constexpr int64_t kLabelBytes = 64;  // a `cls` is a short number

struct MemberName {
  std::string key;
  std::string extension;  // lower case, no dot
};

MemberName Split(const std::string& name) {
  const size_t slash = name.rfind('/');
  const size_t dot = name.find('.', slash == std::string::npos ? 0 : slash + 1);
  if (dot == std::string::npos) return {name, ""};
  MemberName split{name.substr(0, dot), name.substr(dot + 1)};
  std::transform(split.extension.begin(), split.extension.end(), split.extension.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return split;
}

int64_t ReadLabel(const ByteSource& shard, const TarEntry& entry) {
  const std::string text = shard.ReadExactly(entry.offset, std::min(entry.bytes, kLabelBytes));
  const size_t begin = text.find_first_not_of(" \t\r\n");
  const size_t end = text.find_last_not_of(" \t\r\n");
  int64_t label = -1;
  if (begin != std::string::npos) {
    const auto [next, error] = std::from_chars(text.data() + begin, text.data() + end + 1, label);
    if (error == std::errc() && next == text.data() + end + 1 && label >= 0) return label;
  }
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SHARD",
                    shard.name() + ": " + entry.name + " holds no class number",
                    "a .cls member is one whole number from 0");
}

uint32_t SumOf(const ByteSource& shard, const TarEntry& entry, bool wanted) {
  if (!wanted) return 0;
  const std::string bytes = shard.ReadExactly(entry.offset, entry.bytes);
  return store::Crc32c(std::as_bytes(std::span(bytes)));
}

void AddMember(const ByteSource& shard, const TarEntry& entry, const std::string& extension,
               bool sums, ShardSample* sample) {
  if (extension == "jpg" || extension == "jpeg" || extension == "png") {
    if (!sample->name.empty()) return;  // the first image of a key counts
    sample->image_offset = entry.offset;
    sample->image_bytes = entry.bytes;
    sample->image_crc32c = SumOf(shard, entry, sums);
    sample->name = entry.name;
  } else if (extension == "mask.png") {
    sample->mask_offset = entry.offset;
    sample->mask_bytes = entry.bytes;
    sample->mask_crc32c = SumOf(shard, entry, sums);
  } else if (extension == "cls") {
    sample->label = ReadLabel(shard, entry);
  } else if (extension == "txt" || (extension == "json" && sample->caption == CaptionKind::kNone)) {
    sample->caption = extension == "txt" ? CaptionKind::kText : CaptionKind::kJson;
    sample->caption_offset = entry.offset;
    sample->caption_bytes = entry.bytes;
    sample->caption_crc32c = SumOf(shard, entry, sums);
  }
}

}  // namespace

std::vector<ShardSample> ListSamples(const ByteSource& shard, bool sums) {
  std::vector<ShardSample> samples;
  TarReader reader(shard);
  TarEntry entry;
  std::string key;
  ShardSample sample;
  const auto flush = [&] {
    if (!sample.name.empty()) samples.push_back(std::move(sample));
    sample = {};
  };
  while (reader.Next(&entry)) {
    MemberName split = Split(entry.name);
    if (split.key != key) {
      flush();
      key = std::move(split.key);
    }
    AddMember(shard, entry, split.extension, sums, &sample);
  }
  flush();
  return samples;
}

ShardIndex BuildShardIndex(const File& shard) {
  return {shard.stamp(), "", ListSamples(shard, /*sums=*/false)};
}

}  // namespace ocellus::data
