#include "tools/cli/request_journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace ocellus::cli {
namespace {

absl::Status SystemError(const std::string& what) {
  return absl::InternalError(absl::StrCat(what, ": ", strerror(errno)));
}

}  // namespace

std::string JournalPath() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  std::string folder = cache != nullptr && *cache != '\0' ? cache
                       : home != nullptr                  ? absl::StrCat(home, "/.cache")
                                                          : "/tmp";
  return folder + "/ocellus/requests.jsonl";
}

absl::Status WriteNote(const std::string& path, const RequestNote& note) {
  const nlohmann::ordered_json line = {
      {"at", absl::FormatTime(absl::RFC3339_sec, absl::Now(), absl::UTCTimeZone())},
      {"request_id", note.request_id},
      {"server", note.server},
      {"file", note.file},
      {"name", note.name},
      {"job", note.job}};
  const std::string text =
      line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    return SystemError("cannot open " + path);
  }
  const bool written = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       fdatasync(fd) == 0;
  absl::Status status = written ? absl::OkStatus() : SystemError("cannot write " + path);
  close(fd);
  return status;
}

}  // namespace ocellus::cli
