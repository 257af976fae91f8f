// The kept form of a shard's index: FORMAT.md.
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

#include "worker/data/shard_index.h"

namespace ocellus::data {
namespace {

constexpr std::string_view kOfFile = "OCXIDX02";
constexpr std::string_view kOfObject = "OCXIDX03";
constexpr size_t kHeaderBytes = 8 + 4 * 8;
constexpr size_t kRecordBytes = 8 * 8 + 2 * 4;
constexpr size_t kSumBytes = 3 * 4;  // in each record of an object's index

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

std::filesystem::path CachedName(const File& shard) {
  const std::filesystem::path folder = UserCacheFolder("index");
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

// One record. False when its name lies outside of `names`.
bool TakeSample(const char** at, bool sums, std::string_view names, ShardSample* sample) {
  sample->image_offset = Take<int64_t>(at);
  sample->image_bytes = Take<int64_t>(at);
  sample->caption_offset = Take<int64_t>(at);
  sample->caption_bytes = Take<int64_t>(at);
  sample->mask_offset = Take<int64_t>(at);
  sample->mask_bytes = Take<int64_t>(at);
  sample->label = Take<int64_t>(at);
  const uint64_t name_at = Take<uint64_t>(at);
  const uint32_t length = Take<uint32_t>(at);
  sample->caption = static_cast<CaptionKind>(Take<uint32_t>(at));
  if (sums) {
    sample->image_crc32c = Take<uint32_t>(at);
    sample->caption_crc32c = Take<uint32_t>(at);
    sample->mask_crc32c = Take<uint32_t>(at);
  }
  if (name_at > names.size() || length > names.size() - name_at) return false;
  sample->name = names.substr(name_at, length);
  return true;
}

}  // namespace

std::string UserCacheFolder(const std::string& name) {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache != '\0') return std::string(cache) + "/ocellus/" + name;
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home == '\0') return "";
  return std::string(home) + "/.cache/ocellus/" + name;
}

bool SaveWhole(const std::string& path, const std::string& bytes) {
  static std::atomic<int> counter{0};
  const std::string partial =
      path + ".partial-" + std::to_string(getpid()) + "-" + std::to_string(counter++);
  std::ofstream out(partial, std::ios::binary);
  out << bytes;
  out.close();
  std::error_code error;
  if (out) std::filesystem::rename(partial, path, error);
  if (out && !error) return true;
  std::filesystem::remove(partial, error);
  return false;
}

std::string EncodeShardIndex(const ShardIndex& index) {
  const bool sums = !index.version.empty();
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
    if (sums) Put(sample.image_crc32c, &records);
    if (sums) Put(sample.caption_crc32c, &records);
    if (sums) Put(sample.mask_crc32c, &records);
    names += sample.name;
  }
  std::string bytes(sums ? kOfObject : kOfFile);
  Put(index.shard.bytes, &bytes);
  Put(sums ? static_cast<int64_t>(index.version.size()) : index.shard.modified_ns, &bytes);
  Put(static_cast<uint64_t>(index.samples.size()), &bytes);
  Put(static_cast<uint64_t>(names.size()), &bytes);
  bytes += index.version + records + names;
  Put(Fnv1a(bytes.data(), bytes.size()), &bytes);
  return bytes;
}

bool DecodeShardIndex(const std::string& bytes, ShardIndex* index) {
  const bool sums = bytes.starts_with(kOfObject);
  if (bytes.size() < kHeaderBytes + 8 || !(sums || bytes.starts_with(kOfFile))) return false;
  const char* sum = bytes.data() + bytes.size() - 8;
  if (Take<uint64_t>(&sum) != Fnv1a(bytes.data(), bytes.size() - 8)) return false;
  const char* at = bytes.data() + kOfFile.size();
  index->shard.bytes = Take<int64_t>(&at);
  const int64_t second = Take<int64_t>(&at);
  index->shard.modified_ns = sums ? 0 : second;
  const size_t version_bytes = sums ? static_cast<size_t>(second) : 0;
  const uint64_t count = Take<uint64_t>(&at);
  const uint64_t name_bytes = Take<uint64_t>(&at);
  const size_t record = kRecordBytes + (sums ? kSumBytes : 0);
  if (count > bytes.size() / record || version_bytes > bytes.size() ||
      bytes.size() != kHeaderBytes + version_bytes + count * record + name_bytes + 8) {
    return false;
  }
  index->version.assign(at, version_bytes);
  at += version_bytes;
  const std::string_view names(at + count * record, name_bytes);
  index->samples.assign(count, {});
  for (ShardSample& sample : index->samples) {
    if (!TakeSample(&at, sums, names, &sample)) return false;
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
  if (!SaveWhole(beside, bytes) && !cached.empty()) {
    std::error_code ignored;  // with no place to keep it, the index is built anew next time
    std::filesystem::create_directories(cached.parent_path(), ignored);
    SaveWhole(cached, bytes);
  }
  return index;
}

}  // namespace ocellus::data
