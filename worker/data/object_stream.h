// An object of a store, read once from front to back, and checked as a whole.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "worker/data/byte_source.h"
#include "worker/store/object_store.h"

namespace ocellus::data {

// Not thread-safe. Reads one version of the object, a window at a time; another one in its place is
// OBJECT_CHANGED (storage).
class ObjectStream final : public ByteSource {
 public:
  // Gets every window of bytes once, in order.
  using Keep = std::function<void(std::span<const std::byte>)>;

  // `store` is not owned. `info`: what Head said. `name`: for messages. `keep` may be empty.
  ObjectStream(store::ObjectStore* store, store::ObjectInfo info, std::string name, Keep keep);

  const std::string& name() const override { return name_; }
  int64_t bytes() const override { return info_.bytes; }
  // REQUIRES: no byte before the window that was read last.
  int64_t Read(int64_t offset, int64_t count, char* out) const override;

  // Reads what is left. False when the store keeps a CRC-32C of the object and these bytes have
  // another one.
  bool Finish() const;

 private:
  void NextWindow() const;

  store::ObjectStore* store_;
  const store::ObjectInfo info_;
  const std::string name_;
  const Keep keep_;
  mutable std::vector<std::byte> window_;
  mutable int64_t window_at_ = 0;  // of its first byte
  mutable uint32_t crc32c_ = 0;    // of all bytes up to the window's end
};

}  // namespace ocellus::data
