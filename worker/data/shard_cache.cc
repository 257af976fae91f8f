#include "worker/data/shard_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "worker/data/shard_index.h"
#include "worker/store/sha256.h"
#include "worker/wire/fault.h"

namespace ocellus::data {
namespace {

constexpr char kShard[] = ".tar";
constexpr char kIndex[] = ".ocxidx";
constexpr char kPartial[] = ".partial";
constexpr int64_t kDiskLeft = 512 << 20;  // of the file system, that others need
constexpr time_t kIndexAge = 60 * 86'400;
constexpr time_t kStrayAge = 60;

// A file of the cache as it was seen.
struct Entry {
  std::string path;
  int64_t bytes = 0;
  time_t used = 0;
};

// Waits for the lock at `path`; holds it while it lives.
std::unique_ptr<store::Descriptor> Locked(const std::string& path) {
  auto file =
      std::make_unique<store::Descriptor>(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  while (file->get() >= 0 && flock(file->get(), LOCK_EX) != 0 && errno == EINTR) continue;
  return file;
}

// Whether no process holds the file at `path` locked.
bool IsForsaken(const std::string& path) {
  const store::Descriptor file(open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  return file.get() >= 0 && flock(file.get(), LOCK_EX | LOCK_NB) == 0;
}

std::vector<Entry> EntriesOf(const std::string& folder) {
  int error = 0;
  std::vector<Entry> entries;
  for (const std::string& name : store::NamesIn(folder, &error)) {
    struct stat info {};
    const std::string path = folder + "/" + name;
    if (lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    entries.push_back({path, info.st_size, info.st_mtim.tv_sec});
  }
  return entries;
}

bool IsGarbage(const Entry& entry) {
  const time_t age = time(nullptr) - entry.used;
  if (entry.path.ends_with(kPartial)) return IsForsaken(entry.path);
  if (entry.path.ends_with(kIndex)) return age > kIndexAge;
  return entry.path.find(kPartial) != std::string::npos && age > kStrayAge;
}

}  // namespace

ShardCache::ShardCache(ShardCacheOptions options) : options_(std::move(options)) {
  std::error_code error;
  std::filesystem::create_directories(options_.folder, error);
  const auto lock = Locked(options_.folder + "/lock");
  if (lock->get() < 0) {
    throw wire::Fault(
        wire::FaultClass::kUser, "BAD_CACHE",
        "data.cache.folder " + options_.folder + " cannot be written: " + std::strerror(errno),
        "name a folder of a local disk, or set data.cache.max_bytes to 0");
  }
  MakeRoom(0);
}

std::string ShardCache::PathOf(const std::string& id, const char* ending) const {
  return options_.folder + "/" + id + ending;
}

std::string ShardCache::Find(const std::string& id, int64_t bytes) const {
  const std::string path = PathOf(id, kShard);
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) return "";
  if (info.st_size == bytes) return path;
  Drop(id);
  return "";
}

void ShardCache::Drop(const std::string& id) const { unlink(PathOf(id, kShard).c_str()); }

std::string ShardCache::LoadIndex(const std::string& id) const {
  std::ifstream in(PathOf(id, kIndex), std::ios::binary);
  std::ostringstream bytes;
  if (in) bytes << in.rdbuf();
  return bytes.str();
}

void ShardCache::SaveIndex(const std::string& id, const std::string& bytes) const {
  SaveWhole(PathOf(id, kIndex), bytes);
}

std::unique_ptr<store::Descriptor> ShardCache::LockIndex(const std::string& id) const {
  return Locked(options_.folder + "/lock-" + id.substr(0, 1));
}

bool ShardCache::HasDisk(int64_t bytes) const {
  struct statvfs disk {};
  if (statvfs(options_.folder.c_str(), &disk) != 0) return false;
  return static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize) >=
         static_cast<double>(bytes + kDiskLeft);
}

bool ShardCache::MakeRoom(int64_t bytes) const {
  std::vector<Entry> shards;
  int64_t total = 0;
  for (const Entry& entry : EntriesOf(options_.folder)) {
    if (IsGarbage(entry)) {
      unlink(entry.path.c_str());
    } else if (entry.path.ends_with(kShard)) {
      shards.push_back(entry);
      total += entry.bytes;
    } else if (entry.path.ends_with(kPartial)) {
      total += entry.bytes;
    }
  }
  std::sort(shards.begin(), shards.end(),
            [](const Entry& a, const Entry& b) { return a.used < b.used; });
  const time_t now = time(nullptr);
  for (const Entry& shard : shards) {
    if (total + bytes <= options_.bytes_max && HasDisk(bytes)) break;
    if (bytes > options_.bytes_max || now - shard.used < options_.fresh.count()) return false;
    if (unlink(shard.path.c_str()) == 0) total -= shard.bytes;
  }
  return total + bytes <= options_.bytes_max && HasDisk(bytes);
}

ShardCache::Begun ShardCache::Begin(const std::string& id, int64_t bytes,
                                    std::unique_ptr<Filling>* filling) const {
  const auto lock = Locked(options_.folder + "/lock");
  const std::string partial = PathOf(id, kPartial);
  if (!Find(id, bytes).empty()) return Begun::kThere;
  if (access(partial.c_str(), F_OK) == 0 && !IsForsaken(partial)) return Begun::kElsewhere;
  if (!MakeRoom(bytes)) return Begun::kNoRoom;
  const int fd = open(partial.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  // Nobody else looks for it while the folder's lock is held.
  const bool held = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0;
  if (!held || ftruncate(fd, bytes) != 0) {
    if (fd >= 0) close(fd);
    return Begun::kNoRoom;
  }
  filling->reset(new Filling(this, id, bytes, fd));
  return Begun::kYes;
}

ShardCache::Filling::Filling(const ShardCache* cache, std::string id, int64_t bytes, int fd)
    : cache_(cache), id_(std::move(id)), bytes_(bytes), file_(fd) {}

ShardCache::Filling::~Filling() {
  if (!kept_) unlink(cache_->PathOf(id_, kPartial).c_str());
}

bool ShardCache::Filling::Append(std::span<const std::byte> bytes) {
  while (sound_ && !bytes.empty()) {
    const ssize_t put = pwrite(file_.get(), bytes.data(), bytes.size(), written_);
    if (put < 0 && errno == EINTR) continue;
    sound_ = put > 0;
    if (!sound_) break;
    written_ += put;
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
  return sound_;
}

void ShardCache::Filling::Restart() { written_ = 0; }

bool ShardCache::Filling::Keep() {
  if (!sound_ || written_ != bytes_) return false;
  const auto lock = Locked(cache_->options_.folder + "/lock");
  kept_ = rename(cache_->PathOf(id_, kPartial).c_str(), cache_->PathOf(id_, kShard).c_str()) == 0;
  return kept_;
}

std::string ShardId(const std::string& address, const std::string& version, int64_t bytes) {
  return store::Sha256Hex(address + "\n" + version + "\n" + std::to_string(bytes)).substr(0, 32);
}

}  // namespace ocellus::data
