#include "worker/trainer/agreement.h"

namespace ocellus::trainer {
namespace {

torch::Tensor Answers(dist::Communicator& ranks, torch::Device device, int64_t value) {
  return ranks.all_gather(torch::tensor({value}, torch::kLong).to(device)).cpu();
}

}  // namespace

bool AllSay(dist::Communicator& ranks, torch::Device device, bool yes) {
  return Answers(ranks, device, yes ? 1 : 0).min().item<int64_t>() == 1;
}

int64_t OfFirst(dist::Communicator& ranks, torch::Device device, int64_t value) {
  return Answers(ranks, device, value)[0].item<int64_t>();
}

}  // namespace ocellus::trainer
