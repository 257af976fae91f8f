// A parser with a fault on purpose: it believes a length that the bytes give. The tests want the
// fuzzer to find it, so that a silent fuzzer is known for what it is.
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {

constexpr size_t kRoom = 8;

// Kept in memory for whoever looks.
volatile char last = 0;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 4 || data[0] != 'O' || data[1] != 'C' || data[2] + size_t{3} > size) return 0;
  char room[kRoom] = {};
  std::memcpy(room, data + 3, data[2]);
  last = room[data[0] % kRoom];
  return 0;
}
