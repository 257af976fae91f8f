// Random numbers that belong to a sample: a pure function of (seed, epoch, n, name), where n is the
// sample's place in its epoch and the name says what they are for ("images", "noise", "order"). No
// generator's history is in them, so they are the same for any number of ranks, threads or
// restarts.
#pragma once

#include <cstdint>
#include <string_view>

#include "kernels/philox.h"

namespace ocellus::data {

// The key of a stream: what is the same for all n. Names differ by their 64-bit FNV-1a hash.
kernels::PhiloxKey StreamKey(uint64_t seed, int64_t epoch, std::string_view name);

// A reading head on one sample's numbers. Cheap to make; not thread-safe.
class Draws {
 public:
  Draws(uint64_t seed, int64_t epoch, int64_t n, std::string_view name)
      : key_(StreamKey(seed, epoch, name)), n_(n) {}

  uint32_t Word();                                           // 32 uniform bits
  float Uniform() { return kernels::UniformFloat(Word()); }  // [0, 1), 24 bits
  int64_t Below(int64_t bound);                              // 0 .. bound - 1; bound in [1, 2^32]
  void Fill(float* out, int64_t count);                      // `count` times Uniform

 private:
  kernels::PhiloxKey key_;
  int64_t n_;
  uint32_t taken_ = 0;  // words given out
  kernels::PhiloxCounter block_{};
};

}  // namespace ocellus::data
