#include "worker/wire/fault.h"

namespace ocellus::wire {

const char* Name(FaultClass fault_class) {
  switch (fault_class) {
    case FaultClass::kNone:
      return "none";
    case FaultClass::kUser:
      return "user";
    case FaultClass::kInfraProcess:
      return "infra_process";
    case FaultClass::kInfraNode:
      return "infra_node";
    case FaultClass::kHang:
      return "hang";
    case FaultClass::kStorage:
      return "storage";
    case FaultClass::kUnknown:
      return "unknown";
  }
  return "unknown";
}

}  // namespace ocellus::wire
