#include "worker/checkpoint/restore.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "worker/checkpoint/slices.h"
#include "worker/store/sha256.h"
#include "worker/wire/fault.h"

namespace ocellus::checkpoint {
namespace {

using wire::Fault;
using wire::FaultClass;

constexpr size_t kPartBytes = 4 << 20;
constexpr char kDamaged[] = "DAMAGED_CHECKPOINT";

[[noreturn]] void ThrowDamaged(const std::string& key, const std::string& cause) {
  throw Fault(FaultClass::kStorage, kDamaged, key + " " + cause, "restore another checkpoint");
}

// Whether the bytes are wrong or gone. A store that cannot be read just now says nothing of them.
bool IsDamage(const Fault& fault) {
  const std::string& outcome = fault.outcome();
  return outcome == kDamaged || outcome == "CORRUPT_FILE" || outcome == "OBJECT_MISSING" ||
         outcome == "OBJECT_DAMAGED";
}

Manifest ReadManifest(store::ObjectStore& store, const Candidate& candidate) {
  const std::string key = candidate.prefix + kManifestName;
  Manifest manifest = ParseManifest(ReadManifestText(store, candidate.prefix), key);
  if (!candidate.job.empty() && manifest.job != candidate.job) {
    ThrowDamaged(key, "is of job '" + manifest.job + "', not of '" + candidate.job + "'");
  }
  if (candidate.step > 0 && manifest.step != candidate.step) {
    ThrowDamaged(key, "is of step " + std::to_string(manifest.step) + ", not of step " +
                          std::to_string(candidate.step));
  }
  return manifest;
}

SafetensorsFile ReadFile(store::ObjectStore& store, const std::string& key,
                         const FileEntry& entry) {
  const size_t size = static_cast<size_t>(entry.bytes);
  std::shared_ptr<std::byte[]> bytes = std::make_shared_for_overwrite<std::byte[]>(size);
  ReadChecked(store, key, entry,
              [&](int64_t offset, size_t part) { return std::span(bytes.get() + offset, part); });
  return SafetensorsFile::Parse(std::move(bytes), size, key);
}

}  // namespace

std::string ReadManifestText(store::ObjectStore& store, const std::string& prefix) {
  const std::string key = prefix + kManifestName;
  if (!store.Head(key)) ThrowDamaged(key, "is missing");
  return store.Get(key);
}

void ReadChecked(store::ObjectStore& store, const std::string& key, const FileEntry& entry,
                 const PlacePart& place, const TookPart& took) {
  const std::optional<store::ObjectInfo> info = store.Head(key);
  if (!info) ThrowDamaged(key, "is missing");
  if (info->bytes != entry.bytes) {
    ThrowDamaged(key, "has " + std::to_string(info->bytes) + " bytes, its manifest says " +
                          std::to_string(entry.bytes));
  }
  store::Sha256 sha256;
  for (int64_t offset = 0; offset < entry.bytes;) {
    const size_t bytes = std::min<size_t>(kPartBytes, static_cast<size_t>(entry.bytes - offset));
    const std::span<std::byte> part = place(offset, bytes);
    const size_t got = store.Read(key, offset, part);
    if (got == 0) ThrowDamaged(key, "ends at byte " + std::to_string(offset));
    sha256.Update(part.first(got));
    if (took) took(part.first(got));
    offset += static_cast<int64_t>(got);
  }
  if (sha256.FinishHex() != entry.sha256) {
    ThrowDamaged(key, "has changed since it was written (SHA-256 differs)");
  }
}

Restored Read(store::ObjectStore& store, const Candidate& candidate) {
  Restored restored{.from = candidate, .manifest = ReadManifest(store, candidate)};
  for (const FileEntry& entry : restored.manifest.files) {
    restored.files[entry.name] = ReadFile(store, candidate.prefix + entry.name, entry);
  }
  restored.files = Joined(restored.files, candidate.prefix);
  return restored;
}

Manifest Verify(store::ObjectStore& store, const Candidate& candidate) {
  Manifest manifest = ReadManifest(store, candidate);
  std::vector<std::byte> part(kPartBytes);
  for (const FileEntry& entry : manifest.files) {
    ReadChecked(store, candidate.prefix + entry.name, entry,
                [&](int64_t, size_t bytes) { return std::span(part).first(bytes); });
  }
  return manifest;
}

Restored Restore(store::ObjectStore& store, const std::vector<Candidate>& candidates,
                 const OnDamaged& on_damaged) {
  for (const Candidate& candidate : candidates) {
    try {
      return Read(store, candidate);
    } catch (const Fault& fault) {
      if (!IsDamage(fault)) throw;
      on_damaged(candidate, fault.what());
    }
  }
  throw Fault(FaultClass::kStorage, "NO_CHECKPOINT_LEFT",
              "none of " + std::to_string(candidates.size()) + " checkpoints can be restored",
              "bring a sound checkpoint back into the store, or start a new job");
}

}  // namespace ocellus::checkpoint
