// Reads a checkpoint back, and refuses one whose bytes are not those that were written.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "worker/checkpoint/manifest.h"
#include "worker/checkpoint/safetensors.h"
#include "worker/store/object_store.h"

namespace ocellus::checkpoint {

struct Candidate {
  int64_t step = 0;    // 0: whatever its manifest says
  std::string prefix;  // in the store, ends in '/'
  std::string job;     // whose it must be; empty: anyone's
};

struct Restored {
  Candidate from;
  Manifest manifest;
  std::map<std::string, SafetensorsFile> files;  // whole ones, put together from their slices
};

// Told of each candidate that was refused, with the file and what is wrong with it.
using OnDamaged = std::function<void(const Candidate&, const std::string& fault)>;

// Reads the file of `entry` part by part and checks size and SHA-256. `place` says where a part
// goes, `took` is told of it when it is there. Throws DAMAGED_CHECKPOINT.
using PlacePart = std::function<std::span<std::byte>(int64_t offset, size_t bytes)>;
using TookPart = std::function<void(std::span<const std::byte>)>;
void ReadChecked(store::ObjectStore& store, const std::string& key, const FileEntry& entry,
                 const PlacePart& place, const TookPart& took = {});

// The text of its manifest; DAMAGED_CHECKPOINT when there is none.
std::string ReadManifestText(store::ObjectStore& store, const std::string& prefix);

// Reads one checkpoint, checking size and SHA-256 of every file on the way. Throws wire::Fault
// (storage) that names the file: DAMAGED_CHECKPOINT, CORRUPT_FILE or OBJECT_MISSING when its bytes
// are wrong or gone or another job's, the store's own fault when it could not be read.
Restored Read(store::ObjectStore& store, const Candidate& candidate);

// As Read, without keeping the bytes. Returns the manifest.
Manifest Verify(store::ObjectStore& store, const Candidate& candidate);

// The first of `candidates` (newest first) that is sound. Throws wire::Fault (storage,
// NO_CHECKPOINT_LEFT) when none is; never starts from nothing. A store's own fault (STORE_ERROR,
// STORE_DENIED) is thrown on: it says nothing of the checkpoint, and the next try may well read it.
Restored Restore(store::ObjectStore& store, const std::vector<Candidate>& candidates,
                 const OnDamaged& on_damaged);

}  // namespace ocellus::checkpoint
