#include "worker/trainer/ballot.h"

#include <c10/core/impl/VirtualGuardImpl.h>

namespace ocellus::trainer {
namespace {

torch::Tensor HostNumbers(int64_t count, torch::Device device) {
  return torch::empty({count},
                      torch::TensorOptions().dtype(torch::kDouble).pinned_memory(device.is_cuda()));
}

// Passed by what was enqueued so far.
std::unique_ptr<c10::Event> Passed(torch::Device device) {
  if (!device.is_cuda()) return nullptr;
  auto event = std::make_unique<c10::Event>(device.type());
  event->record(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
  return event;
}

}  // namespace

torch::Tensor Ballot::Cast(int64_t step, const Computed& computed, const Votes& wishes) {
  const torch::NoGradGuard no_grad;
  const torch::Device device = computed.loss.device();
  const torch::Tensor loss = computed.loss.to(torch::kDouble);
  const torch::Tensor norm = computed.grad_norm.to(torch::kDouble);
  const torch::Tensor finite = loss.isfinite() & norm.isfinite();
  const torch::Tensor own = HostNumbers(2, device);
  own.data_ptr<double>()[0] = wishes.stop ? 1 : 0;
  own.data_ptr<double>()[1] = wishes.save ? 1 : 0;
  torch::Tensor votes = torch::cat({torch::stack({loss, finite.logical_not().to(torch::kDouble)}),
                                    own.to(device, /*non_blocking=*/true)});
  ranks_.all_reduce_sum(votes);

  Exchange exchange{step, HostNumbers(5, device), nullptr};
  exchange.numbers.copy_(torch::cat({votes, norm.view({1})}), /*non_blocking=*/true);
  exchange.there = Passed(device);
  cast_.push_back(std::move(exchange));
  const torch::Tensor sound = (votes.select(0, 1) == 0).to(torch::kFloat32);
  return sound / sound;
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
