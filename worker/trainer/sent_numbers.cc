#include "worker/trainer/sent_numbers.h"

#include <c10/core/impl/VirtualGuardImpl.h>

namespace ocellus::trainer {

torch::Tensor HostNumbers(int64_t count, torch::Device device) {
  return torch::empty({count},
                      torch::TensorOptions().dtype(torch::kDouble).pinned_memory(device.is_cuda()));
}

std::unique_ptr<c10::Event> Passed(torch::Device device) {
  if (!device.is_cuda()) return nullptr;
  auto event = std::make_unique<c10::Event>(device.type());
  event->record(c10::impl::VirtualGuardImpl(device.type()).getStream(device));
  return event;
}

SentNumbers::SentNumbers(torch::Device device)
    : device_(torch::zeros({4}, torch::TensorOptions().dtype(torch::kDouble).device(device))),
      numbers_(device_.narrow(0, 0, 2)),
      wishes_(device_.narrow(0, 2, 2)) {
  for (Copy& copy : copies_) copy.host = HostNumbers(4, device);
}

void SentNumbers::Send(const kernels::StepNumbers& numbers, const Votes& wishes) {
  Copy& copy = copies_[turn_];
  turn_ = (turn_ + 1) % copies_.size();
  if (copy.sent) copy.sent->synchronize();
  double* values = copy.host.data_ptr<double>();
  values[0] = numbers.rate;
  values[1] = numbers.average_momentum;
  values[2] = wishes.stop ? 1 : 0;
  values[3] = wishes.save ? 1 : 0;
  device_.copy_(copy.host, /*non_blocking=*/true);
  copy.sent = Passed(device_.device());
}

}  // namespace ocellus::trainer
