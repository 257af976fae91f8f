#include "models/optim/state_check.h"

#include <sstream>

#include "worker/wire/fault.h"

namespace ocellus::models::optim {
namespace {

template <typename Value>
std::string Text(const Value& value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

}  // namespace

std::vector<std::string> StateFaults(const std::map<std::string, torch::Tensor>& expected,
                                     const std::map<std::string, torch::Tensor>& got) {
  std::vector<std::string> faults;
  for (const auto& [name, want] : expected) {
    const auto found = got.find(name);
    if (found == got.end()) {
      faults.push_back("missing: " + name);
      continue;
    }
    const torch::Tensor& have = found->second;
    if (have.sizes() != want.sizes()) {
      faults.push_back(name + " has shape " + Text(have.sizes()) + ", expected " +
                       Text(want.sizes()));
    } else if (have.scalar_type() != want.scalar_type()) {
      faults.push_back(name + " is " + Text(have.scalar_type()) + ", expected " +
                       Text(want.scalar_type()));
    }
  }
  for (const auto& [name, have] : got) {
    if (!expected.contains(name)) faults.push_back("unexpected: " + name);
  }
  return faults;
}

void CheckState(const std::map<std::string, torch::Tensor>& expected,
                const std::map<std::string, torch::Tensor>& got, const std::string& origin) {
  const std::vector<std::string> faults = StateFaults(expected, got);
  if (faults.empty()) return;
  std::string message = origin + " does not fit this model: ";
  for (size_t i = 0; i < faults.size(); ++i) message += (i == 0 ? "" : "; ") + faults[i];
  throw wire::Fault(
      wire::FaultClass::kUser, "WEIGHTS_MISMATCH", message,
      "take weights of the same objective and model, or change the document to theirs");
}

}  // namespace ocellus::models::optim
