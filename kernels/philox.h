// Philox4x32-10: random numbers as a pure function of a counter and a key, with no state to keep,
// save or hand from thread to thread. After Salmon, Moraes, Dror and Shaw, "Parallel Random
// Numbers: As Easy as 1, 2, 3" (SC 2011); equal to Random123's philox4x32 with ten rounds, and to
// cuRAND's.
//
// Counters that differ in any bit give independent numbers, and so do keys. Callers give each
// purpose its own key and number what they draw by the counter. Usable on host and device.
#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define OCELLUS_HOST_DEVICE __host__ __device__
#else
#define OCELLUS_HOST_DEVICE
#endif

namespace ocellus::kernels {

struct PhiloxCounter {
  uint32_t word[4];
};

struct PhiloxKey {
  uint32_t word[2];
};

// The block of four 32-bit words at `counter`, all of them uniform.
OCELLUS_HOST_DEVICE inline PhiloxCounter Philox4x32(PhiloxCounter counter, PhiloxKey key) {
  uint32_t* c = counter.word;
  for (int round = 0; round < 10; ++round) {
    const uint64_t product0 = uint64_t{0xD2511F53u} * c[0];
    const uint64_t product1 = uint64_t{0xCD9E8D57u} * c[2];
    const uint32_t low0 = static_cast<uint32_t>(product0);
    const uint32_t low1 = static_cast<uint32_t>(product1);
    c[0] = static_cast<uint32_t>(product1 >> 32) ^ c[1] ^ key.word[0];
    c[2] = static_cast<uint32_t>(product0 >> 32) ^ c[3] ^ key.word[1];
    c[1] = low1;
    c[3] = low0;
    key.word[0] += 0x9E3779B9u;  // golden ratio
    key.word[1] += 0xBB67AE85u;  // sqrt(3) - 1
  }
  return counter;
}

// The two halves of a 64-bit seed as a key.
OCELLUS_HOST_DEVICE inline PhiloxKey MakePhiloxKey(uint64_t seed) {
  return {{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)}};
}

// [0, 1) in steps of 2^-24: each value is exact in fp32, and 1 is never reached.
OCELLUS_HOST_DEVICE inline float UniformFloat(uint32_t word) {
  return static_cast<float>(word >> 8) * 0x1p-24f;
}

// [0, 1) in steps of 2^-53.
OCELLUS_HOST_DEVICE inline double UniformDouble(uint32_t high, uint32_t low) {
  const uint64_t bits = (uint64_t{high} << 32 | low) >> 11;
  return static_cast<double>(bits) * 0x1p-53;
}

}  // namespace ocellus::kernels
