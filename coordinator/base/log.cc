#include "coordinator/base/log.h"

#include <unistd.h>

#include <atomic>

#include "absl/strings/escaping.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "coordinator/base/redact.h"

namespace ocellus::coordinator {
namespace {

std::atomic<LogSeverity> threshold{LogSeverity::kInfo};

const char* Name(LogSeverity severity) {
  switch (severity) {
    case LogSeverity::kDebug:
      return "debug";
    case LogSeverity::kInfo:
      return "info";
    case LogSeverity::kWarning:
      return "warning";
    case LogSeverity::kError:
      return "error";
  }
  return "error";
}

bool NeedsQuotes(absl::string_view value) {
  return value.empty() || value.find_first_of(" \"\\=\n\r\t") != absl::string_view::npos;
}

}  // namespace

void SetLogThreshold(LogSeverity least) { threshold = least; }

void Log(LogSeverity severity, absl::string_view event, std::initializer_list<LogField> fields) {
  if (severity < threshold.load()) {
    return;
  }
  std::string line =
      absl::StrCat(absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::Now(), absl::UTCTimeZone()), " ",
                   Name(severity), " ", event);
  for (const LogField& field : fields) {
    absl::StrAppend(&line, " ", field.key, "=");
    const std::string value = Redact(field.value);
    if (NeedsQuotes(value)) {
      absl::StrAppend(&line, "\"", absl::Utf8SafeCEscape(value), "\"");
    } else {
      absl::StrAppend(&line, value);
    }
  }
  line += '\n';
  // Nobody is left to hear that stderr is gone.
  [[maybe_unused]] ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace ocellus::coordinator
