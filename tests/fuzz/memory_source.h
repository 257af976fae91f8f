// A shard that is the fuzzer's bytes.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "worker/data/byte_source.h"

namespace ocellus::data {

class MemorySource final : public ByteSource {
 public:
  explicit MemorySource(std::string bytes) : bytes_(std::move(bytes)) {}
  const std::string& name() const override { return name_; }
  int64_t bytes() const override { return static_cast<int64_t>(bytes_.size()); }
  int64_t Read(int64_t offset, int64_t count, char* out) const override {
    // A reader that asks for a place that cannot be is wrong about what it has read.
    if (offset < 0 || count < 0) __builtin_trap();
    if (offset >= bytes()) return 0;
    const int64_t share = std::min(count, bytes() - offset);
    std::memcpy(out, bytes_.data() + offset, share);
    return share;
  }

 private:
  const std::string bytes_;
  const std::string name_ = "fuzz.tar";
};

}  // namespace ocellus::data
