// The one error type of the trainer side. Thrown where the trouble is seen, caught once in main and
// turned into the exit record (FORMAT.md).
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace ocellus::wire {

enum class FaultClass { kNone, kUser, kInfraProcess, kInfraNode, kHang, kStorage, kUnknown };

// "user", "storage" ... as in FORMAT.md.
const char* Name(FaultClass fault_class);

class Fault : public std::runtime_error {
 public:
  // `outcome`: the error's name in capitals ("BAD_SPEC"); `message`: what happened, with file, line
  // and key; `hint`: what the user should do next.
  Fault(FaultClass fault_class, std::string outcome, std::string message, std::string hint = "")
      : std::runtime_error(message),
        fault_class_(fault_class),
        outcome_(std::move(outcome)),
        hint_(std::move(hint)) {}
  FaultClass fault_class() const { return fault_class_; }
  const std::string& outcome() const { return outcome_; }
  const std::string& hint() const { return hint_; }

 private:
  FaultClass fault_class_;
  std::string outcome_;
  std::string hint_;
};

}  // namespace ocellus::wire
