#include "coordinator/control/pass.h"

#include "coordinator/base/error.h"

namespace ocellus::coordinator {

bool IsOvertaken(const absl::Status& status) {
  const v1::ErrorReason reason = ReasonOf(status);
  return reason == v1::ERROR_REASON_WRONG_STATE || reason == v1::ERROR_REASON_ETAG_MISMATCH ||
         reason == v1::ERROR_REASON_STALE_GENERATION;
}

bool GoesOn(const absl::Status& status, absl::Status* first_error) {
  if (status.ok() || IsOvertaken(status)) {
    return true;
  }
  first_error->Update(status);
  return !absl::IsUnavailable(status);
}

}  // namespace ocellus::coordinator
