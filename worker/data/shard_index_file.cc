// The kept form of a shard's index: FORMAT.md.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "worker/data/shard_index.h"

namespace ocellus::data {
namespace {

constexpr char kMagic[8] = {'O', 'C', 'X', 'I', 'D', 'X', '0', '2'};
constexpr size_t kHeaderBytes = 8 + 4 * 8;
constexpr size_t kRecordBytes = 8 * 8 + 2 * 4;

uint64_t Fnv1a(const char* bytes, size_t count) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (size_t i = 0; i < count; ++i) {
    hash = (hash ^ static_cast<uint8_t>(bytes[i])) * 0x100000001B3u;
  }
  return hash;
}

template <typename T>
void Put(T value, std::string* out) {
  out->append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename T>
T Take(const char** at) {
  T value;
  std::memcpy(&value, *at, sizeof value);
  *at += sizeof value;
  return value;
}

std::filesystem::path CacheFolder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache != '\0') return std::filesystem::path(cache) / "ocellus/index";
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') return {};
  return std::filesystem::path(home) / ".cache/ocellus/index";
}

std::filesystem::path CachedName(const File& shard) {
  const std::filesystem::path folder = CacheFolder();
  if (folder.empty()) return {};
  const std::string key = std::filesystem::absolute(shard.path()).string() + "\n" +
                          std::to_string(shard.stamp().bytes) + "\n" +
                          std::to_string(shard.stamp().modified_ns);
  char name[32];
  std::snprintf(name, sizeof name, "%016llx.ocxidx",
                static_cast<unsigned long long>(Fnv1a(key.data(), key.size())));
  return folder / name;
}

bool Load(const std::filesystem::path& path, const FileStamp& shard, ShardIndex* index) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return false;
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return DecodeShardIndex(bytes.str(), index) && index->shard == shard;
}

// Under another name first: readers see the whole index or none. False when it cannot be written.
bool Save(const std::filesystem::path& path, const std::string& bytes) {
  static std::atomic<int> counter{0};
  const std::filesystem::path partial =
      path.string() + ".partial-" + std::to_string(getpid()) + "-" + std::to_string(counter++);
  std::ofstream out(partial, std::ios::binary);
  out << bytes;
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(partial, path, error);
  if (out && !error) return true;
  std::filesystem::remove(partial, error);
  return false;
}

}  // namespace

std::string EncodeShardIndex(const ShardIndex& index) {
  std::string records, names;
  for (const ShardSample& sample : index.samples) {
    Put(sample.image_offset, &records);
    Put(sample.image_bytes, &records);
    Put(sample.caption_offset, &records);
    Put(sample.caption_bytes, &records);
    Put(sample.mask_offset, &records);
    Put(sample.mask_bytes, &records);
    Put(sample.label, &records);
    Put(static_cast<uint64_t>(names.size()), &records);
    Put(static_cast<uint32_t>(sample.name.size()), &records);
    Put(static_cast<uint32_t>(sample.caption), &records);
    names += sample.name;
  }
  std::string bytes(kMagic, sizeof kMagic);
  Put(index.shard.bytes, &bytes);
  Put(index.shard.modified_ns, &bytes);
  Put(static_cast<uint64_t>(index.samples.size()), &bytes);
  Put(static_cast<uint64_t>(names.size()), &bytes);
  bytes += records + names;
  Put(Fnv1a(bytes.data(), bytes.size()), &bytes);
  return bytes;
}

bool DecodeShardIndex(const std::string& bytes, ShardIndex* index) {
  if (bytes.size() < kHeaderBytes + 8 || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0) {
    return false;
  }
  const char* sum = bytes.data() + bytes.size() - 8;
  if (Take<uint64_t>(&sum) != Fnv1a(bytes.data(), bytes.size() - 8)) return false;
  const char* at = bytes.data() + sizeof kMagic;
  index->shard.bytes = Take<int64_t>(&at);
  index->shard.modified_ns = Take<int64_t>(&at);
  const uint64_t count = Take<uint64_t>(&at);
  const uint64_t name_bytes = Take<uint64_t>(&at);
  if (count > bytes.size() / kRecordBytes ||
      bytes.size() != kHeaderBytes + count * kRecordBytes + name_bytes + 8) {
    return false;
  }
  const char* names = at + count * kRecordBytes;
  index->samples.assign(count, {});
  for (ShardSample& sample : index->samples) {
    sample.image_offset = Take<int64_t>(&at);
    sample.image_bytes = Take<int64_t>(&at);
    sample.caption_offset = Take<int64_t>(&at);
    sample.caption_bytes = Take<int64_t>(&at);
    sample.mask_offset = Take<int64_t>(&at);
    sample.mask_bytes = Take<int64_t>(&at);
    sample.label = Take<int64_t>(&at);
    const uint64_t name_at = Take<uint64_t>(&at);
    const uint32_t length = Take<uint32_t>(&at);
    sample.caption = static_cast<CaptionKind>(Take<uint32_t>(&at));
    if (name_at > name_bytes || length > name_bytes - name_at) return false;
    sample.name.assign(names + name_at, length);
  }
  return true;
}

ShardIndex OpenShardIndex(const File& shard) {
  const std::filesystem::path beside = shard.path() + ".ocxidx";
  const std::filesystem::path cached = CachedName(shard);
  ShardIndex index;
  if (Load(beside, shard.stamp(), &index)) return index;
  if (!cached.empty() && Load(cached, shard.stamp(), &index)) return index;
  index = BuildShardIndex(shard);
  const std::string bytes = EncodeShardIndex(index);
  if (!Save(beside, bytes) && !cached.empty()) {
    std::error_code ignored;  // with no place to keep it, the index is built anew next time
    std::filesystem::create_directories(cached.parent_path(), ignored);
    Save(cached, bytes);
  }
  return index;
}

}  // namespace ocellus::data
