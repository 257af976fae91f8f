// A job's wish, checked whole before anything is stored, with every default filled in. Pure.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "ocellus/v1/job.pb.h"

namespace ocellus::coordinator {

inline constexpr char kProjectByDefault[] = "default";
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

// 1 to 63 of [a-z0-9-], starting with a letter: names of jobs and projects.
bool IsName(const std::string& text);

// As kNodeNameRule says.
bool IsNodeName(const std::string& text);
inline constexpr char kNodeNameRule[] = "1 to 63 letters, digits, '-', '.' or '_'";

// INVALID_SPEC for each text in a resolved training document that leads into the object store but
// not below `project`: what other projects keep there is not named by a job. `store_uri` is the
// store's address ("file:///data/store", "s3://bucket/prefix?endpoint=...").
absl::Status CheckStorePaths(const std::string& resolved_json, const std::string& project,
                             const std::string& store_uri);

// SHA-256 in hex of what was asked for, the same for any spelling of the same JSON. Two requests
// under one request id must agree in it.
std::string RequestHash(const v1::JobSpec& wish);

}  // namespace ocellus::coordinator
