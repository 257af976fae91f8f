#include "worker/data/sampler.h"

#include <bit>
#include <string>

#include "kernels/philox.h"
#include "worker/data/draws.h"
#include "worker/wire/fault.h"

namespace ocellus::data {
namespace {

// Small domains need more rounds than the four of theory before every order looks alike likely.
constexpr int kRounds = 8;

}  // namespace

int64_t PermutedIndex(uint64_t seed, int64_t epoch, int64_t size, int64_t n) {
  if (size <= 1) return 0;
  const kernels::PhiloxKey key = StreamKey(seed, epoch, "order");
  const int half_bits = (std::bit_width(static_cast<uint64_t>(size - 1)) + 1) / 2;
  const uint32_t mask = static_cast<uint32_t>((uint64_t{1} << half_bits) - 1);
  uint64_t value = static_cast<uint64_t>(n);
  do {
    uint32_t left = static_cast<uint32_t>(value >> half_bits);
    uint32_t right = static_cast<uint32_t>(value) & mask;
    for (uint32_t round = 0; round < kRounds; ++round) {
      const uint32_t mixed = kernels::Philox4x32({{right, round, 0, 0}}, key).word[0] & mask;
      const uint32_t next = left ^ mixed;
      left = right;
      right = next;
    }
    value = uint64_t{left} << half_bits | right;
  } while (value >= static_cast<uint64_t>(size));
  return static_cast<int64_t>(value);
}

Sampler::Sampler(uint64_t seed, int64_t size, int64_t global_batch)
    : seed_(seed), size_(size), epoch_samples_(size / global_batch * global_batch) {
  if (epoch_samples_ > 0) return;
  throw wire::Fault(wire::FaultClass::kUser, "NO_DATA",
                    "data.train has " + std::to_string(size) +
                        " samples, fewer than one batch of " + std::to_string(global_batch) +
                        " (batch.global)",
                    "lower batch.global or give more data");
}

int64_t Sampler::Index(Place place) const {
  return PermutedIndex(seed_, place.epoch, size_, place.n);
}

int64_t Sampler::Replacement(Place place, int64_t attempt) const {
  Draws draws(seed_, place.epoch, place.n, "replacement");
  int64_t index = 0;
  for (int64_t i = 0; i <= attempt; ++i) index = draws.Below(size_);
  return index;
}

int64_t MicroBatch(const LoaderOptions& options) {
  const int64_t parts = options.accumulate * options.world;
  if (parts > 0 && options.global_batch > 0 && options.global_batch % parts == 0) {
    return options.global_batch / parts;
  }
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC",
                    "batch.global: " + std::to_string(options.global_batch) +
                        " does not divide by ranks x batch.accumulate = " +
                        std::to_string(options.world) + " x " + std::to_string(options.accumulate),
                    "choose a batch.global that is a multiple of " + std::to_string(parts));
}

int64_t FirstPosition(const LoaderOptions& options, int64_t step, int64_t micro) {
  const int64_t m = MicroBatch(options);
  return step * options.global_batch + (micro * options.world + options.rank) * m;
}

}  // namespace ocellus::data
