#include "tests/worker/checkpoint/checkpoint_cases.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "worker/checkpoint/writer.h"

namespace ocellus::checkpoint {
namespace {

class WatchedWriter final : public store::ObjectWriter {
 public:
  WatchedWriter(std::unique_ptr<store::ObjectWriter> inner, std::function<void()> before_append)
      : inner_(std::move(inner)), before_append_(std::move(before_append)) {}
  void Append(std::span<const std::byte> part) override {
    before_append_();
    inner_->Append(part);
  }
  void Finish() override { inner_->Finish(); }

 private:
  std::unique_ptr<store::ObjectWriter> inner_;
  std::function<void()> before_append_;
};

}  // namespace

std::unique_ptr<store::ObjectWriter> WatchedStore::Write(const std::string& key) {
  return std::make_unique<WatchedWriter>(inner_->Write(key), [this, key] { before_append_(key); });
}

void WatchedStore::Put(const std::string& key, std::span<const std::byte> bytes) {
  inner_->Put(key, bytes);
}

bool WatchedStore::PutIfAbsent(const std::string& key, std::span<const std::byte> bytes) {
  return inner_->PutIfAbsent(key, bytes);
}

std::optional<store::ObjectInfo> WatchedStore::Head(const std::string& key) {
  return inner_->Head(key);
}

size_t WatchedStore::Read(const std::string& key, int64_t offset, std::span<std::byte> out) {
  if (before_read_) before_read_(key);
  return inner_->Read(key, offset, out);
}

std::string ReadFile(const std::string& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

TensorView FloatView(const std::string& name, const std::vector<float>& values) {
  return {name,
          "F32",
          {static_cast<int64_t>(values.size())},
          reinterpret_cast<const std::byte*>(values.data()),
          values.size() * sizeof(float)};
}

TensorSource FloatSource(const std::string& name, const std::vector<float>& values) {
  return {name, "F32", {static_cast<int64_t>(values.size())}, [values](std::span<std::byte> to) {
            std::memcpy(to.data(), values.data(), to.size());
          }};
}

Manifest SmallManifest(int64_t step) {
  return {.job = "j-1",
          .generation = 1,
          .step = step,
          .samples = 8 * step,
          .document = {{"seed", 0}},
          .created = RfcTime(0),
          .trainer = "0.1.0"};
}

Candidate WriteCheckpoint(store::ObjectStore& store, int64_t step) {
  Snapshot snapshot;
  const std::vector<float> values(64, static_cast<float>(step));
  snapshot.Take({{kModelName, {.tensors = {FloatSource("w", values)}}},
                 {kOptimizerName, {.tensors = {FloatSource("exp_avg.w", values)}}}});
  const Candidate candidate{step, CheckpointPrefix("p/j-1/", step, 1, "ab12cd34")};
  Writer writer(&store);
  writer.Start(&snapshot, SmallManifest(step), candidate.prefix);
  const std::optional<WriteResult> result = writer.Wait();
  if (!result->ok()) throw std::runtime_error(result->failure);
  Commit(store, candidate.prefix, result->manifest);
  return candidate;
}

}  // namespace ocellus::checkpoint
