#include "worker/store/crc32c.h"

#include <array>
#include <cstring>

#include "worker/store/encoding.h"

#ifdef __x86_64__
#include <nmmintrin.h>
#endif

namespace ocellus::store {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // bits reversed

constexpr std::array<uint32_t, 256> MakeTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? kPolynomial : 0);
    table[i] = crc;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kTable = MakeTable();

uint32_t Portable(uint32_t crc, const uint8_t* data, size_t size) {
  for (size_t i = 0; i < size; ++i) crc = crc >> 8 ^ kTable[(crc ^ data[i]) & 255];
  return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) uint32_t Hardware(uint32_t crc, const uint8_t* data,
                                                    size_t size) {
  uint64_t wide = crc;
  for (; size >= 8; data += 8, size -= 8) {
    uint64_t word;
    std::memcpy(&word, data, 8);
    wide = _mm_crc32_u64(wide, word);
  }
  crc = static_cast<uint32_t>(wide);
  for (; size > 0; ++data, --size) crc = _mm_crc32_u8(crc, *data);
  return crc;
}
#endif

// a*b modulo the polynomial, on reversed bits: bit 31 is x^0.
uint32_t Multiply(uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t bit = 0x80000000; bit != 0; bit >>= 1) {
    if (a & bit) product ^= b;
    b = b >> 1 ^ (b & 1 ? kPolynomial : 0);
  }
  return product;
}

}  // namespace

uint32_t Crc32c(uint32_t crc, std::span<const std::byte> bytes, Crc32cCode code) {
  const uint8_t* data = reinterpret_cast<const uint8_t*>(bytes.data());
#ifdef __x86_64__
  static const bool has_instruction = __builtin_cpu_supports("sse4.2");
  if (code == Crc32cCode::kBest && has_instruction) return ~Hardware(~crc, data, bytes.size());
#endif
  return ~Portable(~crc, data, bytes.size());
}

uint32_t CombineCrc32c(uint32_t crc_of_a, uint32_t crc_of_b, uint64_t bytes_of_b) {
  // Appending n zero bits multiplies by x^n: square x^8, x^16, x^32 ... and take what n needs.
  uint32_t power = 0x00800000;  // x^8
  for (; bytes_of_b != 0; bytes_of_b >>= 1) {
    if (bytes_of_b & 1) crc_of_a = Multiply(crc_of_a, power);
    power = Multiply(power, power);
  }
  return crc_of_a ^ crc_of_b;
}

std::string Crc32cText(uint32_t crc) {
  const std::array<uint8_t, 4> bytes = {static_cast<uint8_t>(crc >> 24),
                                        static_cast<uint8_t>(crc >> 16),
                                        static_cast<uint8_t>(crc >> 8), static_cast<uint8_t>(crc)};
  return Base64(bytes);
}

std::optional<uint32_t> ParseCrc32c(std::string_view text) {
  const auto bytes = FromBase64(text);
  if (!bytes || bytes->size() != 4) return std::nullopt;
  uint32_t crc = 0;
  for (const char byte : *bytes) crc = crc << 8 | static_cast<uint8_t>(byte);
  return crc;
}

}  // namespace ocellus::store
