// Bytes at offsets: a file, or an object on its way here.
#pragma once

#include <cstdint>
#include <string>

namespace ocellus::data {

class ByteSource {
 public:
  virtual ~ByteSource() = default;

  virtual const std::string& name() const = 0;  // for messages
  virtual int64_t bytes() const = 0;
  // Up to `count` bytes at `offset`; fewer only at the end. Throws wire::Fault (storage).
  virtual int64_t Read(int64_t offset, int64_t count, char* out) const = 0;
  // Exactly `count` bytes; a source that ends before is DATA_UNREADABLE: it has changed.
  std::string ReadExactly(int64_t offset, int64_t count) const;
};

}  // namespace ocellus::data
