// SHA-256 (FIPS 180-4) as manifests need it. Uses the processor's SHA instructions when it has
// them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ocellus::store {

// Not thread-safe. One use: Update any number of times, then Finish once.
class Sha256 {
 public:
  enum class Code { kBest, kPortable };  // kPortable is for tests

  explicit Sha256(Code code = Code::kBest);
  void Update(std::span<const std::byte> bytes);
  std::array<uint8_t, 32> Finish();
  // Finish as 64 lower-case hexadecimal digits.
  std::string FinishHex();

 private:
  using Compress = void (*)(uint32_t* state, const uint8_t* blocks, size_t count);

  Compress compress_;
  std::array<uint32_t, 8> state_;
  std::array<uint8_t, 64> pending_;
  size_t pending_bytes_ = 0;
  uint64_t total_bytes_ = 0;
};

std::string Sha256Hex(std::string_view bytes);

}  // namespace ocellus::store
