// Writes a snapshot to the object store while training goes on.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "worker/checkpoint/manifest.h"
#include "worker/checkpoint/snapshot.h"
#include "worker/store/object_store.h"

namespace ocellus::checkpoint {

// How a write ended.
struct WriteResult {
  int64_t step = 0;
  std::string prefix;
  std::string manifest;  // manifest.json's text; not in the store yet. Empty when the write failed
  std::string outcome;   // "" or the error's name ("STORE_FULL")
  std::string failure;   // "" or what happened, with key and cause
  int64_t bytes = 0;
  double seconds = 0;  // from Start to the last byte durable
  bool ok() const { return failure.empty(); }
};

// What a checkpoint may take to be written.
inline constexpr std::chrono::minutes kUploadLimit{15};

// Writes the files of `snapshot` under `prefix`. Throws wire::Fault (storage); UPLOAD_TIMEOUT after
// `limit`.
std::vector<FileEntry> WriteFiles(store::ObjectStore& store, const Snapshot& snapshot,
                                  const std::string& prefix, std::chrono::milliseconds limit);

// Lets training have the processors first, from now on and for this thread and those that it
// starts.
void YieldToTraining();

// The files that other ranks write of the same checkpoint, waited for at most so long. Throws
// wire::Fault (storage) when one of them failed; no rank writes any more then.
using AwaitOthers = std::function<std::vector<FileEntry>(std::chrono::milliseconds limit)>;

// One write at a time, in a thread of its own. A failure is a result, never an exception: the run
// goes on without this checkpoint, and what was written of it is deleted again. Used by one thread.
class Writer {
 public:
  // `store` is not owned and must outlive the writer.
  explicit Writer(store::ObjectStore* store) : store_(store) {}
  ~Writer();  // waits for the write in progress

  // Begins to write the files of `snapshot` under `prefix` (ends in '/'). `manifest` has everything
  // but `files`. A write that is not through after `limit` fails with UPLOAD_TIMEOUT (it looks
  // between parts; a single call is bounded by the store). REQUIRES: not busy; `snapshot` is left
  // alone until the result was taken. `before` is called first, `others` last, by the writing
  // thread.
  void Start(const Snapshot* snapshot, Manifest manifest, std::string prefix,
             std::function<void()> before = {}, AwaitOthers others = {},
             std::chrono::milliseconds limit = kUploadLimit);

  // A write was started and its result not taken yet.
  bool busy() const { return thread_.joinable(); }

  // The result when the write has ended, once; nothing while it runs or when none was started.
  std::optional<WriteResult> Poll();
  // Waits for it, at most so long.
  std::optional<WriteResult> Wait();
  std::optional<WriteResult> WaitFor(std::chrono::milliseconds limit);

 private:
  void Run(const Snapshot* snapshot, Manifest manifest, std::string prefix,
           const AwaitOthers& others, std::chrono::milliseconds limit);

  store::ObjectStore* store_;
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::optional<WriteResult> result_;  // guarded by mutex_
};

// Makes a written checkpoint one: puts the manifest, unless there is one already. False then. Only
// for runs by hand; else the coordinator does it.
bool Commit(store::ObjectStore& store, const std::string& prefix, const std::string& manifest);

}  // namespace ocellus::checkpoint
