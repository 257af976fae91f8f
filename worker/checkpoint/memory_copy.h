// The newest state in shared memory of the agent (checkpoint.memory_copy): a rank that died comes
// back from it without touching storage. FORMAT.md has the bytes.
//
// Two slots are written in turn. A slot's head is made void before its bytes change and written
// after them, with a CRC-32C of both, so that a rank that dies while it copies leaves a slot that
// is none, and the other one whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "worker/checkpoint/manifest.h"
#include "worker/checkpoint/safetensors.h"
#include "worker/checkpoint/snapshot.h"

namespace ocellus::checkpoint {

struct MemoryState {
  std::string job;
  int64_t generation = 0;
  int64_t step = 0;
  nlohmann::json state;  // as in a manifest
  std::string notes;     // what the writer gave along
  std::map<std::string, SafetensorsFile> files;
  uint32_t crc = 0;       // of all of it: the same on two machines means the same state
  uint64_t sequence = 0;  // of the slot
};

// How often a state may be restored before it counts as one that leads nowhere.
inline constexpr uint32_t kMemoryUsesMax = 2;

// Not thread-safe; one process writes. The descriptor stays the caller's.
class MemoryCopy {
 public:
  explicit MemoryCopy(int fd) : fd_(fd) {}
  ~MemoryCopy();
  MemoryCopy(const MemoryCopy&) = delete;
  MemoryCopy& operator=(const MemoryCopy&) = delete;

  // Copies the tensors of `sources`; of `manifest` job, generation, step and state. Throws
  // wire::Fault (infra_process, NO_MEMORY) when the machine has no room; nothing is restorable from
  // here then.
  void Write(const Manifest& manifest, const FileSources& sources, const std::string& notes);

  // The newest whole state of `job` that a gang from 1 to `newest_generation` wrote and that was
  // not used too often. Its views are valid until the next Write. Nothing otherwise, whatever the
  // bytes are.
  std::optional<MemoryState> Read(const std::string& job, int64_t newest_generation);

  // `state` is being restored.
  void CountUse(const MemoryState& state);

 private:
  bool Map();
  void Resize(size_t slot_bytes);
  std::byte* Slot(int index) const;
  std::optional<MemoryState> ReadSlot(int index) const;

  int fd_;
  std::byte* bytes_ = nullptr;
  size_t mapped_ = 0;
  size_t slot_bytes_ = 0;
};

}  // namespace ocellus::checkpoint
