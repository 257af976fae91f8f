#include "worker/data/announcer.h"

#include <algorithm>
#include <span>

namespace ocellus::data {
namespace {

constexpr int64_t kEvery = 8;  // samples

}  // namespace

Announcer::Announcer(const Dataset* dataset, const Sampler* sampler, const LoaderOptions& options,
                     int64_t first_step)
    : dataset_(dataset),
      sampler_(sampler),
      options_(options),
      micro_batch_(MicroBatch(options)),
      first_step_(first_step) {}

int64_t Announcer::IndexOf(int64_t n) const {
  const int64_t micro = n / micro_batch_;
  const int64_t position = FirstPosition(options_, first_step_ + micro / options_.accumulate,
                                         micro % options_.accumulate);
  return sampler_->Index(sampler_->At(position + n % micro_batch_));
}

void Announcer::OnClaim() {
  if (claimed_++ % kEvery != 0) return;
  const int64_t window = dataset_->read_ahead();
  for (announced_ = std::max(announced_, claimed_); announced_ < claimed_ + window; ++announced_) {
    const int64_t index = IndexOf(announced_);
    if (dataset_->Expect(std::span(&index, 1)) == 0) return;
  }
}

}  // namespace ocellus::data
