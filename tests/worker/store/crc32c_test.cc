#include "worker/store/crc32c.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace ocellus::store {
namespace {

std::span<const std::byte> Bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

// RFC 3720, B.4, and the usual check value.
TEST(Crc32c, PublishedExamples) {
  std::string ascending(32, '\0'), descending(32, '\0');
  for (int i = 0; i < 32; ++i) {
    ascending[i] = static_cast<char>(i);
    descending[i] = static_cast<char>(31 - i);
  }
  const std::pair<std::string, uint32_t> cases[] = {{"", 0},
                                                    {"123456789", 0xe3069283},
                                                    {std::string(32, '\0'), 0x8a9136aa},
                                                    {std::string(32, '\xff'), 0x62a8ab43},
                                                    {ascending, 0x46dd794e},
                                                    {descending, 0x113fdb5c}};
  for (const auto& [text, sum] : cases) {
    EXPECT_EQ(Crc32c(0, Bytes(text), Crc32cCode::kBest), sum);
    EXPECT_EQ(Crc32c(0, Bytes(text), Crc32cCode::kPortable), sum);
  }
}

TEST(Crc32c, PartsCombineToTheWhole) {
  std::mt19937_64 random(7);
  std::string text(5'000, '\0');
  for (char& c : text) c = static_cast<char>(random());
  const uint32_t whole = Crc32c(Bytes(text));
  EXPECT_EQ(Crc32c(0, Bytes(text), Crc32cCode::kPortable), whole);
  for (size_t cut : {0, 1, 7, 64, 999, 4'096, 4'999, 5'000}) {
    const auto a = Bytes(text).first(cut), b = Bytes(text).subspan(cut);
    EXPECT_EQ(Crc32c(Crc32c(a), b), whole) << cut;
    EXPECT_EQ(CombineCrc32c(Crc32c(a), Crc32c(b), b.size()), whole) << cut;
  }
}

TEST(Crc32c, TextIsBase64OfBigEndian) {
  EXPECT_EQ(Crc32cText(0xe3069283), "4waSgw==");
  EXPECT_EQ(ParseCrc32c("4waSgw=="), 0xe3069283);
  EXPECT_FALSE(ParseCrc32c(""));
  EXPECT_FALSE(ParseCrc32c("4waSgw==-3"));
  EXPECT_FALSE(ParseCrc32c("4waSgwAA"));
}

}  // namespace
}  // namespace ocellus::store
