// A job's history: appended in the transaction of the change, never altered.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/state/sqlite.h"
#include "google/protobuf/timestamp.pb.h"
#include "ocellus/v1/event.pb.h"

namespace ocellus::coordinator {

google::protobuf::Timestamp ToProto(absl::Time time);

v1::JobEvent NewEvent(const std::string& job_id, const std::string& actor, v1::JobEventType type,
                      absl::Time at);

// `event` needs no seq; it is given on reading.
absl::Status AppendEvent(Database& db, const v1::JobEvent& event);

// Oldest first, those after `after_seq`.
absl::StatusOr<std::vector<v1::JobEvent>> ListEvents(Database& db, const std::string& job_id,
                                                     int64_t after_seq, int limit);

}  // namespace ocellus::coordinator
