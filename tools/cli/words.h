// Numbers, times and enum values as people read them.
#pragma once

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "ocellus/v1/event.pb.h"
#include "ocellus/v1/service.pb.h"

namespace ocellus::cli {

// "45s", "3m20s", "2h5m", "4d3h".
std::string DurationText(absl::Duration duration);

// DurationText of the time since `at`; "-" when it is not set.
std::string AgeText(const google::protobuf::Timestamp& at, absl::Time now);

// "2026-01-31 12:00:00" in local time; "-" when it is not set.
std::string TimeText(const google::protobuf::Timestamp& at);
// To the second, and at least one.
google::protobuf::Duration HoursToProto(double hours);

// "viewer", "admin".
std::string RoleText(v1::Role role);

// "512 B", "1.5 GiB".
std::string BytesText(int64_t bytes);

// A number with four significant digits.
std::string NumberText(double value);

// "24 %" of a whole; "-" without one.
std::string PercentText(int64_t part, int64_t whole);

// Without their prefixes: "RUNNING", "WAITING_FOR_SLOTS"; "-" for unspecified.
std::string StateText(v1::JobState state);
std::string ReasonText(v1::JobReason reason);
std::string ClassText(v1::FailureClass failure_class);
std::string DeviceText(v1::Device device);  // lower case
std::string NodeStateText(v1::NodeState state);
std::string CheckpointStateText(v1::CheckpointState state);
std::string EventTypeText(v1::JobEventType type);
std::string LevelText(v1::LogLevel level);  // lower case

}  // namespace ocellus::cli
