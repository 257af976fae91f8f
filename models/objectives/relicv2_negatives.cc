#include "models/objectives/relicv2_negatives.h"

#include <string>
#include <vector>

#include "kernels/philox.h"
#include "worker/wire/fault.h"

namespace ocellus::models::objectives {
namespace {

// Distinguishes these draws from all others of the same seed.
constexpr uint64_t kPurpose = 0x72656C69635F6E65;  // "relic_ne"

// Uniform in [0, bound): the high half of a 64-bit number times the bound.
int64_t Below(int64_t bound, const kernels::PhiloxCounter& block) {
  const uint64_t number = uint64_t{block.word[0]} << 32 | block.word[1];
  return static_cast<int64_t>(static_cast<unsigned __int128>(number) * bound >> 64);
}

// Floyd's sample without replacement of `count` out of batch - 1, the image itself left out.
void DrawRow(const NegativesDraw& draw, int64_t image, int64_t batch, int64_t count,
             std::vector<bool>* taken, int64_t* row) {
  // Both images and draws of a row stay below 2^32; a step has its own key.
  const auto key = kernels::MakePhiloxKey(draw.seed ^ kPurpose);
  const auto where = static_cast<uint32_t>(draw.micro << 16 | draw.pair);
  const auto step = static_cast<uint32_t>(draw.step);
  row[0] = image;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t last = batch - 1 - count + i;
    const kernels::PhiloxCounter counter{
        {static_cast<uint32_t>(i), static_cast<uint32_t>(image), where, step}};
    int64_t pick = Below(last + 1, kernels::Philox4x32(counter, key));
    if ((*taken)[pick]) pick = last;
    (*taken)[pick] = true;
    row[1 + i] = pick + (pick >= image ? 1 : 0);
  }
  for (int64_t i = 1; i <= count; ++i) (*taken)[row[i] - (row[i] > image ? 1 : 0)] = false;
}

[[noreturn]] void ThrowBadNegative(int64_t image, int64_t index, const std::string& why) {
  throw wire::Fault(
      wire::FaultClass::kUser, "BAD_BATCH",
      "negatives: " + std::to_string(index) + " of image " + std::to_string(image) + " " + why,
      "give the indices of other images of the whole batch");
}

}  // namespace

torch::Tensor DrawNegatives(const NegativesDraw& draw, int64_t first, int64_t rows, int64_t batch,
                            int64_t count) {
  torch::Tensor drawn = torch::empty({rows, 1 + count}, torch::kInt64);
  std::vector<bool> taken(batch, false);
  for (int64_t i = 0; i < rows; ++i) {
    DrawRow(draw, first + i, batch, count, &taken, drawn[i].data_ptr<int64_t>());
  }
  return drawn;
}

torch::Tensor GivenNegatives(const torch::Tensor& negatives, int64_t first, int64_t batch) {
  const torch::Tensor given = negatives.cpu().contiguous();
  std::vector<int64_t> seen_by(batch, -1);
  for (int64_t i = 0; i < given.size(0); ++i) {
    const int64_t image = first + i;
    for (int64_t j = 0; j < given.size(1); ++j) {
      const int64_t index = given.data_ptr<int64_t>()[i * given.size(1) + j];
      if (index < 0 || index >= batch) {
        ThrowBadNegative(image, index, "is not in a batch of " + std::to_string(batch));
      }
      if (index == image) ThrowBadNegative(image, index, "is the image itself");
      if (seen_by[index] == image) ThrowBadNegative(image, index, "is there twice");
      seen_by[index] = image;
    }
  }
  const torch::Tensor own = torch::arange(first, first + given.size(0)).unsqueeze(1);
  return torch::cat({own, given}, 1);
}

}  // namespace ocellus::models::objectives
