#include "worker/data/draws.h"

namespace ocellus::data {
namespace {

uint64_t Fnv1a(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : text) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3u;
  return hash;
}

uint32_t Low(uint64_t value) { return static_cast<uint32_t>(value); }
uint32_t High(uint64_t value) { return static_cast<uint32_t>(value >> 32); }

}  // namespace

kernels::PhiloxKey StreamKey(uint64_t seed, int64_t epoch, std::string_view name) {
  const uint64_t e = static_cast<uint64_t>(epoch);
  const uint64_t purpose = Fnv1a(name);
  const kernels::PhiloxCounter mixed = kernels::Philox4x32(
      {{Low(e), High(e), Low(purpose), High(purpose)}}, kernels::MakePhiloxKey(seed));
  return {{mixed.word[0], mixed.word[1]}};
}

uint32_t Draws::Word() {
  if (taken_ % 4 == 0) {
    const uint64_t n = static_cast<uint64_t>(n_);
    block_ = kernels::Philox4x32({{taken_ / 4, Low(n), High(n), 0}}, key_);
  }
  return block_.word[taken_++ % 4];
}

int64_t Draws::Below(int64_t bound) {
  return static_cast<int64_t>((uint64_t{Word()} * static_cast<uint64_t>(bound)) >> 32);
}

void Draws::Fill(float* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = Uniform();
}

}  // namespace ocellus::data
