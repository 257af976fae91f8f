#include "worker/agent/rank_ledger.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "coordinator/base/log.h"

namespace ocellus::agent {
namespace {

using nlohmann::json;

constexpr int kKillWaitMs = 10000;

std::string ReadText(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

std::string BootId() { return ReadText("/proc/sys/kernel/random/boot_id"); }

// Field 22 of /proc/<pid>/stat; empty when there is no such process. The second field is a name in
// parentheses that may hold anything, so counting starts behind the last one.
std::string StartTime(pid_t pid) {
  const std::string stat = ReadText(absl::StrCat("/proc/", pid, "/stat"));
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string::npos) return "";
  std::istringstream fields(stat.substr(name_end + 1));
  std::string field;
  for (int number = 3; number <= 22; ++number) fields >> field;
  return field;
}

// True when the process is gone.
bool KillAndWait(pid_t pid) {
  const int fd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return true;
  kill(-pid, SIGKILL);
  kill(pid, SIGKILL);
  pollfd entry{fd, POLLIN, 0};
  const bool gone = poll(&entry, 1, kKillWaitMs) > 0;
  close(fd);
  return gone;
}

}  // namespace

void RankLedger::Add(pid_t pid) {
  start_times_[pid] = StartTime(pid);
  Save();
}

void RankLedger::Remove(pid_t pid) {
  start_times_.erase(pid);
  Save();
}

void RankLedger::Save() const {
  json ranks = json::array();
  for (const auto& [pid, start_time] : start_times_) {
    ranks.push_back({{"pid", pid}, {"start_time", start_time}});
  }
  const std::string temporary = path_ + ".new";
  std::ofstream file(temporary, std::ios::trunc);
  file << json{{"boot_id", BootId()}, {"ranks", ranks}}.dump() << "\n";
  file.close();
  std::error_code error;
  if (file) std::filesystem::rename(temporary, path_, error);
  if (!file || error) {
    coordinator::Log(coordinator::LogSeverity::kWarning, "rank_ledger_unwritable",
                     {{"path", path_}, {"hint", "is the disk full or the folder read-only?"}});
  }
}

absl::StatusOr<int> RankLedger::KillLeftovers(const std::string& path) {
  const json ledger = json::parse(ReadText(path), nullptr, /*allow_exceptions=*/false);
  int killed = 0;
  if (!ledger.is_object() || ledger.value("boot_id", json()) != BootId()) return killed;
  for (const json& rank : ledger.value("ranks", json::array())) {
    const json pid_value = rank.is_object() ? rank.value("pid", json()) : json();
    if (!pid_value.is_number_integer()) continue;
    const pid_t pid = pid_value.get<pid_t>();
    const std::string start_time = StartTime(pid);
    if (start_time.empty() || rank.value("start_time", json()) != start_time) continue;
    ++killed;
    if (!KillAndWait(pid)) {
      return absl::DeadlineExceededError(
          absl::StrCat("process ", pid, ", a rank that an earlier agent left behind, does not die ",
                       "of SIGKILL; a device may hold it: reset the GPU or restart the machine"));
    }
  }
  return killed;
}

}  // namespace ocellus::agent
