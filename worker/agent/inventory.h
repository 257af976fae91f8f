// What this machine can run ranks on.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "ocellus/v1/worker.pb.h"

namespace ocellus::agent {

// Lines of `nvidia-smi --query-gpu=index,uuid,name,memory.total --format=csv,noheader,nounits`.
// INVALID_ARGUMENT naming the line that is none.
absl::StatusOr<v1::Inventory> ParseGpus(const std::string& csv);

// Host name, `cpu_slots`, and the GPUs that nvidia-smi lists: none when there is no such program or
// it fails (logged), since a machine without a driver is a CPU machine.
v1::Inventory TakeInventory(int cpu_slots);

}  // namespace ocellus::agent
