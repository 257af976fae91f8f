// CRC-32C (Castagnoli, RFC 3720), as S3 keeps it beside an object. Uses the processor's instruction
// when it has one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ocellus::store {

enum class Crc32cCode { kBest, kPortable };  // kPortable is for tests

// Of `before` followed by `bytes`, where `crc` is that of `before`; 0 is that of nothing.
uint32_t Crc32c(uint32_t crc, std::span<const std::byte> bytes,
                Crc32cCode code = Crc32cCode::kBest);
inline uint32_t Crc32c(std::span<const std::byte> bytes) { return Crc32c(0, bytes); }

// Of a followed by b, from the sums of both and the length of b. O(log bytes_of_b).
uint32_t CombineCrc32c(uint32_t crc_of_a, uint32_t crc_of_b, uint64_t bytes_of_b);

// Base64 of the four bytes, most significant first: the value of x-amz-checksum-crc32c.
std::string Crc32cText(uint32_t crc);
// Nothing when the text is no such sum ("...-3", of parts, included).
std::optional<uint32_t> ParseCrc32c(std::string_view text);

}  // namespace ocellus::store
