#include "coordinator/base/random_id.h"

#include <sys/random.h>

#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <vector>

namespace ocellus::coordinator {
namespace {

std::vector<uint8_t> RandomBytes(size_t count) {
  std::vector<uint8_t> bytes(count);
  // Up to 256 bytes are always given whole once the machine is up.
  if (getrandom(bytes.data(), count, 0) != static_cast<ssize_t>(count)) {
    std::abort();
  }
  return bytes;
}

std::string FromAlphabet(int length, const char* alphabet, int bits) {
  std::string name;
  for (uint8_t byte : RandomBytes(length)) {
    name += alphabet[byte & ((1 << bits) - 1)];
  }
  return name;
}

}  // namespace

std::string RandomName(int length) {
  return FromAlphabet(length, "abcdefghijklmnopqrstuvwxyz234567", 5);
}

std::string RandomHex(int length) { return FromAlphabet(length, "0123456789abcdef", 4); }

std::string NewUuid() {
  std::string uuid = RandomHex(36);
  for (int dash : {8, 13, 18, 23}) {
    uuid[dash] = '-';
  }
  uuid[14] = '4';
  uuid[19] = "89ab"[RandomBytes(1)[0] & 3];
  return uuid;
}

bool IsUuid(const std::string& text) {
  if (text.size() != 36) {
    return false;
  }
  for (size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !std::isxdigit(static_cast<unsigned char>(text[i]))) {
      return false;
    }
  }
  return true;
}

}  // namespace ocellus::coordinator
