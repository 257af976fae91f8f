#include "worker/trainer/ballot.h"

namespace ocellus::trainer {

Ballot::Tally Ballot::Count(const Computed& computed, const torch::Tensor& wishes) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor loss = computed.loss.to(torch::kDouble);
  const torch::Tensor norm = computed.grad_norm.to(torch::kDouble);
  const torch::Tensor finite = loss.isfinite() & norm.isfinite();
  torch::Tensor votes =
      torch::cat({torch::stack({loss, finite.logical_not().to(torch::kDouble)}), wishes});
  ranks_.all_reduce_sum(votes);
  const torch::Tensor sound = (votes.select(0, 1) == 0).to(torch::kFloat32);
  return {torch::cat({votes, norm.view({1})}), sound / sound};
}

void Ballot::Cast(int64_t step, const torch::Tensor& numbers) {
  const torch::Device device = numbers.device();
  Exchange exchange{step, HostNumbers(numbers.numel(), device), nullptr};
  exchange.numbers.copy_(numbers, /*non_blocking=*/true);
  exchange.there = Passed(device);
  cast_.push_back(std::move(exchange));
}

Verdict Ballot::Read() {
  const Exchange exchange = std::move(cast_.front());
  cast_.pop_front();
  if (exchange.there) exchange.there->synchronize();
  const double* numbers = exchange.numbers.data_ptr<double>();
  return {.loss = numbers[0] / ranks_.world(),
          .grad_norm = numbers[4],
          .finite = numbers[1] == 0,
          .stop = numbers[2] > 0,
          .save = numbers[3] > 0,
          .step = exchange.step};
}

}  // namespace ocellus::trainer
