// One line per event on stderr, to be read by people and by machines:
//
//   2026-01-31T12:00:00.123Z info job_placed job=j-8f3k2m generation=2 note="two words"
#pragma once

#include <initializer_list>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace ocellus::coordinator {

enum class LogSeverity { kDebug, kInfo, kWarning, kError };

// A key and its value; anything that absl::StrCat takes is a value.
struct LogField {
  template <typename T>
  LogField(absl::string_view key, const T& value) : key(key), value(absl::StrCat(value)) {}
  absl::string_view key;
  std::string value;
};

// Writes the line in one write(2); thread-safe. `event` is a name like job_placed. Values with
// spaces, quotes or line ends are quoted and escaped.
void Log(LogSeverity severity, absl::string_view event,
         std::initializer_list<LogField> fields = {});

// Events below this are not written. Default kInfo.
void SetLogThreshold(LogSeverity threshold);

}  // namespace ocellus::coordinator
