#include "worker/data/shard_index.h"

#include <algorithm>
#include <charconv>

#include "worker/data/tar_reader.h"
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

int64_t ReadLabel(const File& shard, const TarEntry& entry) {
  const std::string text = shard.ReadExactly(entry.offset, std::min(entry.bytes, kLabelBytes));
  const size_t begin = text.find_first_not_of(" \t\r\n");
  const size_t end = text.find_last_not_of(" \t\r\n");
  int64_t label = -1;
  if (begin != std::string::npos) {
    const auto [next, error] = std::from_chars(text.data() + begin, text.data() + end + 1, label);
    if (error == std::errc() && next == text.data() + end + 1 && label >= 0) return label;
  }
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SHARD",
                    shard.path() + ": " + entry.name + " holds no class number",
                    "a .cls member is one whole number from 0");
}

void AddMember(const File& shard, const TarEntry& entry, const std::string& extension,
               ShardSample* sample) {
  if (extension == "jpg" || extension == "jpeg" || extension == "png") {
    if (!sample->name.empty()) return;  // the first image of a key counts
    sample->image_offset = entry.offset;
    sample->image_bytes = entry.bytes;
    sample->name = entry.name;
  } else if (extension == "mask.png") {
    sample->mask_offset = entry.offset;
    sample->mask_bytes = entry.bytes;
  } else if (extension == "cls") {
    sample->label = ReadLabel(shard, entry);
  } else if (extension == "txt" || (extension == "json" && sample->caption == CaptionKind::kNone)) {
    sample->caption = extension == "txt" ? CaptionKind::kText : CaptionKind::kJson;
    sample->caption_offset = entry.offset;
    sample->caption_bytes = entry.bytes;
  }
}

}  // namespace

ShardIndex BuildShardIndex(const File& shard) {
  ShardIndex index{shard.stamp(), {}};
  TarReader reader(shard);
  TarEntry entry;
  std::string key;
  ShardSample sample;
  const auto flush = [&] {
    if (!sample.name.empty()) index.samples.push_back(std::move(sample));
    sample = {};
  };
  while (reader.Next(&entry)) {
    MemberName split = Split(entry.name);
    if (split.key != key) {
      flush();
      key = std::move(split.key);
    }
    AddMember(shard, entry, split.extension, &sample);
  }
  flush();
  return index;
}

}  // namespace ocellus::data
