#include "worker/store/sha256.h"

#include <gtest/gtest.h>

#include <vector>

namespace ocellus::store {
namespace {

// FIPS 180-4's examples.
TEST(Sha256, KnownAnswers) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(Sha256Hex(std::string(1000000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, InstructionsAndPortableCodeAgreeHoweverTheBytesAreCut) {
  std::vector<std::byte> bytes(1000);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 131 + i / 7);
  for (size_t size = 0; size < 300; ++size) {
    Sha256 whole(Sha256::Code::kPortable), parts;
    const std::span<const std::byte> text = std::span(bytes).first(size);
    whole.Update(text);
    for (size_t at = 0, cut = size % 67 + 1; at < size; at += cut) {
      parts.Update(text.subspan(at, std::min(cut, size - at)));
    }
    ASSERT_EQ(whole.Finish(), parts.Finish()) << size;
  }
}

}  // namespace
}  // namespace ocellus::store
