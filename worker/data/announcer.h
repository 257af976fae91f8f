// Tells a dataset what a rank will ask for soon.
#pragma once

#include <cstdint>

#include "worker/data/dataset.h"
#include "worker/data/loader.h"
#include "worker/data/sampler.h"

namespace ocellus::data {

// Not thread-safe. Counts the samples that a loader takes in order, and keeps the dataset's window
// of samples to come full.
class Announcer {
 public:
  // `dataset` and `sampler` are not owned.
  Announcer(const Dataset* dataset, const Sampler* sampler, const LoaderOptions& options,
            int64_t first_step);

  // A further sample was taken.
  void OnClaim();

 private:
  // Of the rank's n-th sample since the first step.
  int64_t IndexOf(int64_t n) const;

  const Dataset* dataset_;
  const Sampler* sampler_;
  const LoaderOptions options_;
  const int64_t micro_batch_;
  const int64_t first_step_;
  int64_t claimed_ = 0;
  int64_t announced_ = 0;
};

}  // namespace ocellus::data
