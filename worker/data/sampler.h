// Which sample stands where: the order of every epoch as a keyed permutation that is computed for
// one place at a time, so that a restart at any step costs nothing and ranks need not talk.
#pragma once

#include <cstdint>

#include "worker/data/loader.h"

namespace ocellus::data {

// Where a position of the endless sequence lies.
struct Place {
  int64_t epoch = 0;
  int64_t n = 0;  // 0 .. epoch_samples - 1
};

// Sample at place `n` of the epoch's order: for fixed (seed, epoch, size) a permutation of 0 ..
// size-1 in n. A Feistel network over the next power of four, keyed by Philox, walked until it
// falls inside; at most four steps on average.
int64_t PermutedIndex(uint64_t seed, int64_t epoch, int64_t size, int64_t n);

class Sampler {
 public:
  // Throws wire::Fault (user, NO_DATA) when `size` samples do not fill one global batch.
  Sampler(uint64_t seed, int64_t size, int64_t global_batch);

  // Samples of an epoch: `size` cut down to whole global batches; which ones are left out changes
  // from epoch to epoch.
  int64_t epoch_samples() const { return epoch_samples_; }

  Place At(int64_t position) const {
    return {position / epoch_samples_, position % epoch_samples_};
  }
  int64_t Index(Place place) const;

  // What stands in when the sample at `place` is bad; attempt counts from 0.
  int64_t Replacement(Place place, int64_t attempt) const;

 private:
  uint64_t seed_;
  int64_t size_;
  int64_t epoch_samples_;
};

// First position of a rank's micro-batch in the endless sequence.
int64_t FirstPosition(const LoaderOptions& options, int64_t step, int64_t micro);

// Samples of one rank's micro-batch. Throws wire::Fault (user, BAD_SPEC) when the global batch does
// not divide by ranks times accumulation.
int64_t MicroBatch(const LoaderOptions& options);

}  // namespace ocellus::data
