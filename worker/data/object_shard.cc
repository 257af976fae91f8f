#include "worker/data/object_shard.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "worker/store/crc32c.h"
#include "worker/store/store_uri.h"
#include "worker/wire/fault.h"

namespace ocellus::data {
namespace {

constexpr int kDamagedTriesMax = 4;
constexpr int64_t kGapBytes = 64 << 10;  // read along rather than asked for apart
constexpr int64_t kTouchSeconds = 30;
constexpr char kIndexEnding[] = ".ocxidx";

// Thrown through the stream when its reader no longer wants it.
struct Stopped {};

uint32_t SumOf(const std::string& bytes) { return store::Crc32c(std::as_bytes(std::span(bytes))); }

bool AreSound(std::span<const Piece> pieces, const std::vector<std::string>& bytes) {
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (SumOf(bytes[i]) != pieces[i].crc32c) return false;
  }
  return true;
}

[[noreturn]] void ThrowDamaged(const std::string& name, const std::string& what) {
  throw wire::Fault(wire::FaultClass::kStorage, "DATA_UNREADABLE",
                    name + ": " + what + " has another CRC-32C than it should, " +
                        std::to_string(kDamagedTriesMax) + " times",
                    "copy the shard there again, or look at the network between");
}

[[noreturn]] void ThrowChanged(const std::string& name) {
  throw wire::Fault(wire::FaultClass::kStorage, "DATA_UNREADABLE",
                    name + ": was changed during the run", "start the job again");
}

[[noreturn]] void ThrowNoData(const std::string& message) {
  throw wire::Fault(wire::FaultClass::kUser, "NO_DATA", message,
                    "see what is there, and with which endpoint and credentials: "
                    "`ocellus storage check`");
}

}  // namespace

ObjectShard::ObjectShard(std::shared_ptr<store::ObjectStore> store, const std::string& key,
                         ObjectShardParts parts)
    : store_(std::move(store)), parts_(std::move(parts)) {
  name_ = store::SplitUri(store_->uri()).place + "/" + key;
  info_.key = key;
  Find();
  id_ = ShardId(name_, info_.version, info_.bytes);
  if (parts_.cache != nullptr) near_ = !parts_.cache->Find(id_, info_.bytes).empty();
  MakeIndex();
}

void ObjectShard::Find() {
  const std::string key = info_.key;
  try {
    if (const auto info = store_->Head(key)) {
      info_ = *info;
      return;
    }
    store_->ListPage(key, "", 1);  // tells a missing bucket from a missing key
  } catch (const wire::Fault& fault) {
    if (fault.outcome() == "STORE_MISSING") ThrowNoData(fault.what());
    throw;
  }
  ThrowNoData("no such data: " + name_);
}

bool ObjectShard::TakeIndex(const std::string& bytes) {
  ShardIndex index;
  if (!DecodeShardIndex(bytes, &index) || index.version != info_.version ||
      index.shard.bytes != info_.bytes) {
    return false;
  }
  index_ = std::move(index);
  return true;
}

void ObjectShard::MakeIndex() {
  const ShardCache* cache = parts_.cache;
  if (cache != nullptr && TakeIndex(cache->LoadIndex(id_))) return;
  std::unique_ptr<store::Descriptor> lock;
  if (cache != nullptr) lock = cache->LockIndex(id_);
  if (cache != nullptr && TakeIndex(cache->LoadIndex(id_))) return;
  const std::string beside = info_.key + kIndexEnding;
  const bool published = store_->Head(beside) && TakeIndex(store_->Get(beside));
  std::unique_ptr<ShardCache::Filling> filling;
  if (!published) {
    if (cache != nullptr) cache->Begin(id_, info_.bytes, &filling);
    const std::atomic<bool> never{false};
    index_ = {{info_.bytes, 0}, info_.version, Stream(/*list=*/true, never, &filling)};
  }
  if (cache != nullptr) cache->SaveIndex(id_, EncodeShardIndex(index_));
  if (filling && filling->Keep()) near_ = true;
}

// `filling` is given up when the disk takes no more.
std::vector<ShardSample> ObjectShard::Stream(bool list, const std::atomic<bool>& stop,
                                             std::unique_ptr<ShardCache::Filling>* filling) {
  for (int tries = 1; tries <= kDamagedTriesMax; ++tries) {
    if (*filling) (*filling)->Restart();
    const ObjectStream stream(store_.get(), info_, name_, [&](std::span<const std::byte> bytes) {
      if (*filling && !(*filling)->Append(bytes)) filling->reset();
      if (stop || !(list || *filling)) throw Stopped();
    });
    try {
      std::vector<ShardSample> samples;
      if (list) samples = ListSamples(stream, /*sums=*/true);
      if (stream.Finish()) return samples;
    } catch (const wire::Fault& fault) {
      if (fault.outcome() == "OBJECT_CHANGED") ThrowChanged(name_);
      // Bytes that were changed on their way may look like a bad tar.
      if (fault.outcome() != "BAD_SHARD" || stream.Finish()) throw;
    }
  }
  ThrowDamaged(name_, "the shard");
}

ObjectShard::Filled ObjectShard::Fill(const std::atomic<bool>& stop) {
  std::unique_ptr<ShardCache::Filling> filling;
  switch (parts_.cache->Begin(id_, info_.bytes, &filling)) {
    case ShardCache::Begun::kThere:
      near_ = true;
      return Filled::kYes;
    case ShardCache::Begun::kElsewhere:
      return Filled::kElsewhere;
    case ShardCache::Begun::kNoRoom:
      return Filled::kNoRoom;
    case ShardCache::Begun::kYes:
      break;
  }
  try {
    Stream(/*list=*/false, stop, &filling);
  } catch (const Stopped&) {
    return stop ? Filled::kStopped : Filled::kNoRoom;
  }
  near_ = filling->Keep();
  return near_ ? Filled::kYes : Filled::kNoRoom;
}

std::vector<std::string> ObjectShard::Read(std::span<const Piece> pieces) {
  if (parts_.cache != nullptr) {
    if (auto bytes = ReadCached(pieces)) return *std::move(bytes);
  }
  return ReadStore(pieces);
}

std::optional<std::vector<std::string>> ObjectShard::ReadCached(std::span<const Piece> pieces) {
  if (!near_) near_ = !parts_.cache->Find(id_, info_.bytes).empty();
  if (!near_) return std::nullopt;
  const std::string path = parts_.cache->folder() + "/" + id_ + ".tar";
  std::vector<std::string> bytes;
  try {
    const auto file = parts_.files->Get(path);
    for (const Piece& piece : pieces) {
      bytes.push_back(file->ReadExactly(piece.offset, piece.bytes));
    }
    Touch(*file);
    if (AreSound(pieces, bytes)) return bytes;
    Warn(name_ + ": its copy " + path + " was damaged and is dropped");
    parts_.cache->Drop(id_);
  } catch (const wire::Fault& fault) {
    // Evicted; or a disk that fails, which is the cache's trouble, not the run's.
    if (fault.outcome() != "NO_DATA") Warn(std::string("the cache: ") + fault.what());
  }
  parts_.files->Close(path);
  near_ = false;
  return std::nullopt;
}

void ObjectShard::Touch(const File& file) {
  const int64_t now = std::chrono::duration_cast<std::chrono::seconds>(
                          std::chrono::steady_clock::now().time_since_epoch())
                          .count();
  int64_t before = touched_;
  if (now - before >= kTouchSeconds && touched_.compare_exchange_strong(before, now)) file.Touch();
}

std::vector<std::string> ObjectShard::ReadStore(std::span<const Piece> pieces) const {
  int64_t first = info_.bytes, last = 0, wanted = 0;
  for (const Piece& piece : pieces) {
    first = std::min(first, piece.offset);
    last = std::max(last, piece.offset + piece.bytes);
    wanted += piece.bytes;
  }
  std::vector<std::string> bytes;
  if (pieces.size() > 1 && last - first > wanted + kGapBytes) {
    for (const Piece& piece : pieces) {
      bytes.push_back(std::move(ReadStore(std::span(&piece, 1)).front()));
    }
    return bytes;
  }
  for (int tries = 1; tries <= kDamagedTriesMax; ++tries) {
    std::string all(static_cast<size_t>(std::max<int64_t>(last - first, 0)), '\0');
    try {
      const auto into = std::as_writable_bytes(std::span(all));
      if (store_->ReadVersion(info_.key, info_.version, first, into) != all.size()) continue;
    } catch (const wire::Fault& fault) {
      if (fault.outcome() == "OBJECT_CHANGED") ThrowChanged(name_);
      throw;
    }
    bytes.clear();
    for (const Piece& piece : pieces) {
      bytes.push_back(
          all.substr(static_cast<size_t>(piece.offset - first), static_cast<size_t>(piece.bytes)));
    }
    if (AreSound(pieces, bytes)) return bytes;
  }
  ThrowDamaged(name_, "bytes " + std::to_string(first) + " to " + std::to_string(last));
}

void ObjectShard::Warn(const std::string& line) const {
  if (parts_.on_warning) parts_.on_warning(line);
}

bool PublishIndex(store::ObjectStore* store, const std::string& key) {
  const std::shared_ptr<store::ObjectStore> borrowed(store, [](store::ObjectStore*) {});
  const std::string beside = key + kIndexEnding;
  ShardIndex kept;
  const bool there = store->Head(beside) && DecodeShardIndex(store->Get(beside), &kept);
  const ObjectShard shard(borrowed, key, {});
  if (there && kept.version == shard.index().version) return false;
  const std::string bytes = EncodeShardIndex(shard.index());
  store->Put(beside, std::as_bytes(std::span(bytes)));
  return true;
}

}  // namespace ocellus::data
