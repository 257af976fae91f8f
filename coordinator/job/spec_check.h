// A job's wish, checked whole before anything is stored, with every default filled in. Pure.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "ocellus/v1/job.pb.h"

namespace ocellus::coordinator {

inline constexpr int kRanksMax = 4096;
inline constexpr int kPriorityMax = 1000;
inline constexpr int kLabelsMax = 64;
inline constexpr int kNameLengthMax = 63;
inline constexpr int kStopGraceSecondsMax = 3600;

struct CheckedSpec {
  v1::JobSpec spec;           // scheduling defaults filled in; training_json as it was sent
  std::string resolved_json;  // the training document with every default
};

// INVALID_ARGUMENT / INVALID_SPEC with one violation for each mistake, all at once; the fields are
// the document's key paths ("objective.mae.mask_ratio").
absl::StatusOr<CheckedSpec> CheckSpec(const v1::JobSpec& wish);

// SHA-256 in hex of what was asked for, the same for any spelling of the same JSON. Two requests
// under one request id must agree in it.
std::string RequestHash(const v1::JobSpec& wish);

}  // namespace ocellus::coordinator
