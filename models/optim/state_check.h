// Whether stored tensors are the ones that are expected: names, shapes and types, all faults at
// once.
#pragma once

#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

namespace ocellus::models::optim {

// One line each, in the order of the names: "missing: a", "unexpected: b", "c has shape [2],
// expected [3]", "d is Long, expected Float".
std::vector<std::string> StateFaults(const std::map<std::string, torch::Tensor>& expected,
                                     const std::map<std::string, torch::Tensor>& got);

// Throws wire::Fault (user, WEIGHTS_MISMATCH) that lists all of them, when there are any. `origin`
// is what the message calls `got`.
void CheckState(const std::map<std::string, torch::Tensor>& expected,
                const std::map<std::string, torch::Tensor>& got, const std::string& origin);

}  // namespace ocellus::models::optim
