#include "worker/checkpoint/writer.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <stdexcept>

#include "worker/store/sha256.h"
#include "worker/wire/fault.h"

namespace ocellus::checkpoint {
namespace {

// Bytes handed to the store at once: what a slow store can hold back.
constexpr size_t kPartBytes = 4 << 20;

FileEntry WriteFile(store::ObjectStore& store, const std::string& prefix, const std::string& name,
                    const Snapshot::File& file) {
  store::Sha256 sha256;
  const std::unique_ptr<store::ObjectWriter> writer = store.Write(prefix + name);
  const auto append = [&](std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const auto part = bytes.first(std::min(bytes.size(), kPartBytes));
      sha256.Update(part);
      writer->Append(part);
      bytes = bytes.subspan(part.size());
    }
  };
  append(std::as_bytes(std::span(file.header)));
  append(file.data);
  writer->Finish();
  return {name, static_cast<int64_t>(file.header.size() + file.data.size()), sha256.FinishHex()};
}

// A store that is in trouble may refuse this too; the sweeper gets it then.
void DeleteQuietly(store::ObjectStore& store, const std::string& prefix) {
  try {
    store.DeletePrefix(prefix);
  } catch (const std::exception&) {
  }
}

}  // namespace

Writer::~Writer() {
  if (thread_.joinable()) thread_.join();
}

void Writer::Start(const Snapshot* snapshot, Manifest manifest, std::string prefix) {
  if (busy()) throw std::logic_error("a checkpoint is still being written");
  thread_ = std::thread([this, snapshot, manifest = std::move(manifest),
                         prefix = std::move(prefix)] { Run(snapshot, manifest, prefix); });
}

void Writer::Run(const Snapshot* snapshot, Manifest manifest, std::string prefix) {
  const auto start = std::chrono::steady_clock::now();
  WriteResult result{.step = manifest.step, .prefix = prefix};
  try {
    for (const auto& [name, file] : snapshot->files()) {
      manifest.files.push_back(WriteFile(*store_, prefix, name, file));
      result.bytes += manifest.files.back().bytes;
    }
    result.manifest = ToText(manifest);
  } catch (const wire::Fault& fault) {
    result.outcome = fault.outcome();
    result.failure = fault.what();
  } catch (const std::exception& error) {
    result.outcome = "INTERNAL";
    result.failure = error.what();
  }
  if (!result.ok()) DeleteQuietly(*store_, prefix);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  result.seconds = took.count();
  const std::lock_guard lock(mutex_);
  result_ = std::move(result);
}

std::optional<WriteResult> Writer::Poll() {
  {
    const std::lock_guard lock(mutex_);
    if (!result_) return std::nullopt;
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
