#include "worker/checkpoint/writer.h"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <stdexcept>

#include "worker/store/sha256.h"
#include "worker/wire/failpoint.h"
#include "worker/wire/fault.h"

namespace ocellus::checkpoint {
namespace {

// Bytes handed to the store at once: what a slow store can hold back.
constexpr size_t kPartBytes = 4 << 20;

// Of the writing thread, and of those that it starts: beside a busy thread of the training it has a
// tenth of a processor, which still writes 100 GB within the limit.
constexpr int kNiceness = 10;

using Clock = std::chrono::steady_clock;

[[noreturn]] void ThrowLate(const store::ObjectStore& store, const std::string& key,
                            std::chrono::milliseconds limit) {
  throw wire::Fault(wire::FaultClass::kStorage, "UPLOAD_TIMEOUT",
                    "store " + store.uri() + ": writing " + key + " was not through after " +
                        std::to_string(limit.count() / 1000) + " s",
                    "the storage is too slow for the state's size: see `ocellus storage check`");
}

// A store of portions takes a file as it lies there; another one in parts, each of which is summed
// while it is in the processor's cache.
FileEntry WriteFile(store::ObjectStore& store, const std::string& key, const std::string& name,
                    std::span<const std::byte> bytes, Clock::time_point start,
                    std::chrono::milliseconds limit) {
  const bool at_once = store.portions().bytes > 0;
  store::Sha256 sha256;
  const std::unique_ptr<store::ObjectWriter> writer = at_once ? nullptr : store.Write(key);
  for (size_t at = 0; at < bytes.size(); at += kPartBytes) {
    if (Clock::now() - start > limit) ThrowLate(store, key, limit);
    const auto part = bytes.subspan(at, std::min(bytes.size() - at, kPartBytes));
    sha256.Update(part);
    if (writer) writer->Append(part);
  }
  if (writer) writer->Finish();
  if (!writer) store.Put(key, bytes);
  wire::Failpoint("trainer.file_written");
  return {name, static_cast<int64_t>(bytes.size()), sha256.FinishHex()};
}

// Calls `part` with 0, 1, ... `count` - 1 in `threads` threads, of which this is one. Throws what
// the first one to fail threw, when all have ended; what was not begun then is left out.
void InParallel(size_t count, int threads, const std::function<void(size_t)>& part) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto work = [&] {
    for (size_t i = next++; i < count; i = next++) {
      try {
        part(i);
      } catch (...) {
        next = count;
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
      }
    }
  };
  std::vector<std::thread> others;
  const size_t helpers = std::min(count, static_cast<size_t>(threads));
  for (size_t i = 1; i < helpers; ++i) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  if (failure) std::rethrow_exception(failure);
}

// A store that is in trouble may refuse this too; the sweeper gets it then.
void DeleteQuietly(store::ObjectStore& store, const std::string& prefix) {
  try {
    store.DeletePrefix(prefix);
  } catch (const std::exception&) {
  }
}

// What went wrong, into the result; the first counts.
template <typename Part>
void Attempt(WriteResult* result, const Part& part) {
  std::string outcome, failure;
  try {
    part();
    return;
  } catch (const wire::Fault& fault) {
    outcome = fault.outcome();
    failure = fault.what();
  } catch (const std::exception& error) {
    outcome = "INTERNAL";
    failure = error.what();
  }
  if (!result->ok()) return;
  result->outcome = outcome;
  result->failure = failure;
}

}  // namespace

// (On Linux the priority is the calling thread's own.)
void YieldToTraining() {
  setpriority(PRIO_PROCESS, 0, std::max(kNiceness, getpriority(PRIO_PROCESS, 0)));
}

std::vector<FileEntry> WriteFiles(store::ObjectStore& store, const Snapshot& snapshot,
                                  const std::string& prefix, std::chrono::milliseconds limit) {
  const auto start = Clock::now();
  std::vector<std::pair<std::string, std::span<const std::byte>>> files;
  for (const auto& [name, file] : snapshot.files()) files.emplace_back(name, file.whole);
  std::vector<FileEntry> written(files.size());
  InParallel(files.size(), store.portions().parallel, [&](size_t i) {
    const auto& [name, bytes] = files[i];
    written[i] = WriteFile(store, prefix + name, name, bytes, start, limit);
  });
  return written;
}

Writer::~Writer() {
  if (thread_.joinable()) thread_.join();
}

void Writer::Start(const Snapshot* snapshot, Manifest manifest, std::string prefix,
                   std::function<void()> before, AwaitOthers others,
                   std::chrono::milliseconds limit) {
  if (busy()) throw std::logic_error("a checkpoint is still being written");
  thread_ = std::thread([this, snapshot, limit, manifest = std::move(manifest),
                         prefix = std::move(prefix), before = std::move(before),
                         others = std::move(others)] {
    YieldToTraining();
    if (before) before();
    Run(snapshot, manifest, prefix, others, limit);
  });
}

void Writer::Run(const Snapshot* snapshot, Manifest manifest, std::string prefix,
                 const AwaitOthers& others, std::chrono::milliseconds limit) {
  const auto start = Clock::now();
  WriteResult result{.step = manifest.step, .prefix = prefix};
  Attempt(&result, [&] { manifest.files = WriteFiles(*store_, *snapshot, prefix, limit); });
  // After a failure of our own as well: what they still write could not be deleted.
  Attempt(&result, [&] {
    if (!others) return;
    const std::vector<FileEntry> theirs = others(limit);
    manifest.files.insert(manifest.files.end(), theirs.begin(), theirs.end());
  });
  for (const FileEntry& file : manifest.files) result.bytes += file.bytes;
  if (result.ok()) result.manifest = ToText(manifest);
  if (!result.ok()) DeleteQuietly(*store_, prefix);
  const std::chrono::duration<double> took = Clock::now() - start;
  result.seconds = took.count();
  const std::lock_guard lock(mutex_);
  result_ = std::move(result);
  ended_.notify_all();
}

std::optional<WriteResult> Writer::Poll() { return WaitFor(std::chrono::milliseconds(0)); }

std::optional<WriteResult> Writer::WaitFor(std::chrono::milliseconds limit) {
  {
    std::unique_lock lock(mutex_);
    if (!busy() || !ended_.wait_for(lock, limit, [this] { return result_.has_value(); })) {
      return std::nullopt;
    }
  }
  return Wait();
}

std::optional<WriteResult> Writer::Wait() {
  if (!busy()) return std::nullopt;
  thread_.join();
  const std::lock_guard lock(mutex_);
  return std::exchange(result_, std::nullopt);
}

bool Commit(store::ObjectStore& store, const std::string& prefix, const std::string& manifest) {
  return store.PutIfAbsent(prefix + kManifestName, std::as_bytes(std::span(manifest)));
}

}  // namespace ocellus::checkpoint
