#include "worker/trainer/seat.h"

#include <algorithm>

#include "worker/wire/fault.h"

namespace ocellus::trainer {

torch::Device DeviceOf(const wire::Document& document) {
  if (document.device != "cuda") return torch::kCPU;
  if (torch::cuda::is_available()) {
    return {torch::kCUDA, static_cast<c10::DeviceIndex>(std::max(document.gpu, 0))};
  }
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC",
                    "device: cuda was asked for, but this trainer finds no GPU",
                    "set device: cpu, or run on a machine with an NVIDIA driver");
}

dist::Membership MembershipOf(const wire::Document& document, const Meeting& meeting) {
  dist::Membership membership;
  membership.rank = document.rank;
  membership.world = document.world;
  membership.master_addr = document.master_addr;
  membership.master_port = document.master_port;
  membership.listen_fd = meeting.listen_fd;
  membership.served = meeting.served;
  membership.gang = "g" + std::to_string(document.generation);
  return membership;
}

}  // namespace ocellus::trainer
