#include "tools/cli/words.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"

namespace ocellus::cli {
namespace {

absl::Time TimeOf(const google::protobuf::Timestamp& at) {
  return absl::FromUnixSeconds(at.seconds()) + absl::Nanoseconds(at.nanos());
}

std::string Without(const std::string& name, absl::string_view prefix) {
  const std::string rest(absl::StripPrefix(name, prefix));
  return rest.empty() || rest == "UNSPECIFIED" ? "-" : rest;
}

}  // namespace

std::string DurationText(absl::Duration duration) {
  const int64_t s = std::max<int64_t>(0, absl::ToInt64Seconds(duration));
  const int64_t minutes = s / 60, hours = minutes / 60, days = hours / 24;
  const auto pair = [](int64_t a, const char* unit_a, int64_t b, const char* unit_b) {
    return absl::StrCat(a, unit_a, b > 0 ? absl::StrCat(b, unit_b) : "");
  };
  if (days > 0) {
    return pair(days, "d", hours % 24, "h");
  }
  if (hours > 0) {
    return pair(hours, "h", minutes % 60, "m");
  }
  if (minutes > 0) {
    return pair(minutes, "m", s % 60, "s");
  }
  return absl::StrCat(s, "s");
}

std::string AgeText(const google::protobuf::Timestamp& at, absl::Time now) {
  return at.seconds() == 0 ? "-" : DurationText(now - TimeOf(at));
}

google::protobuf::Duration HoursToProto(double hours) {
  google::protobuf::Duration duration;
  duration.set_seconds(std::max(int64_t{1}, static_cast<int64_t>(std::llround(hours * 3600))));
  return duration;
}

std::string RoleText(v1::Role role) {
  return absl::AsciiStrToLower(v1::Role_Name(role).substr(sizeof("ROLE_") - 1));
}

std::string TimeText(const google::protobuf::Timestamp& at) {
  if (at.seconds() == 0) {
    return "-";
  }
  return absl::FormatTime("%Y-%m-%d %H:%M:%S", TimeOf(at), absl::LocalTimeZone());
}

std::string BytesText(int64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  for (; value >= 1024 && unit + 1 < kUnits.size(); ++unit) {
    value /= 1024;
  }
  return unit == 0 ? absl::StrCat(bytes, " B") : absl::StrFormat("%.1f %s", value, kUnits[unit]);
}

std::string NumberText(double value) { return absl::StrFormat("%.4g", value); }

std::string PercentText(int64_t part, int64_t whole) {
  return whole <= 0 ? "-" : absl::StrCat(100 * part / whole, " %");
}

std::string StateText(v1::JobState state) {
  return Without(v1::JobState_Name(state), "JOB_STATE_");
}

std::string ReasonText(v1::JobReason reason) {
  return Without(v1::JobReason_Name(reason), "JOB_REASON_");
}

std::string ClassText(v1::FailureClass failure_class) {
  return Without(v1::FailureClass_Name(failure_class), "FAILURE_CLASS_");
}

std::string DeviceText(v1::Device device) {
  return absl::AsciiStrToLower(Without(v1::Device_Name(device), "DEVICE_"));
}

std::string NodeStateText(v1::NodeState state) {
  return Without(v1::NodeState_Name(state), "NODE_STATE_");
}

std::string CheckpointStateText(v1::CheckpointState state) {
  return Without(v1::CheckpointState_Name(state), "CHECKPOINT_STATE_");
}

std::string EventTypeText(v1::JobEventType type) {
  return Without(v1::JobEventType_Name(type), "JOB_EVENT_TYPE_");
}

std::string LevelText(v1::LogLevel level) {
  return absl::AsciiStrToLower(Without(v1::LogLevel_Name(level), "LOG_LEVEL_"));
}

}  // namespace ocellus::cli
