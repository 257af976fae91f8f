#include "worker/agent/memory_copies.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace ocellus::agent {
namespace {

// Above what a child has for other ends.
constexpr int kLowestFd = 10;

absl::StatusOr<int> NewMemory(const std::string& job) {
  const int made = memfd_create(absl::StrCat("ocellus-", job).c_str(), MFD_CLOEXEC);
  if (made < 0) return absl::ResourceExhaustedError(strerror(errno));
  const int fd = fcntl(made, F_DUPFD_CLOEXEC, kLowestFd);
  const int error = errno;
  close(made);
  if (fd < 0) return absl::ResourceExhaustedError(strerror(error));
  return fd;
}

}  // namespace

MemoryCopies::~MemoryCopies() {
  for (const auto& [job, entry] : entries_) close(entry.fd);
}

absl::StatusOr<wire::MemoryCopy> MemoryCopies::Lend(const v1::GangRef& gang) {
  Entry& entry = entries_[gang.job_id()];
  const bool follows = entry.fd >= 0 && entry.last + 1 == gang.generation();
  const int64_t generation = follows ? entry.last : 0;
  if (!follows && entry.fd >= 0) close(std::exchange(entry.fd, -1));
  if (entry.fd < 0) {
    const absl::StatusOr<int> fd = NewMemory(gang.job_id());
    if (!fd.ok()) {
      entries_.erase(gang.job_id());
      return fd.status();
    }
    entry.fd = *fd;
  }
  entry.last = gang.generation();
  entry.idle_since.reset();
  return wire::MemoryCopy{entry.fd, generation};
}

void MemoryCopies::Ended(const v1::GangRef& gang, bool well, SteadyTime now) {
  const auto found = entries_.find(gang.job_id());
  if (found == entries_.end() || found->second.last != gang.generation()) return;
  if (!well) {
    found->second.idle_since = now;
    return;
  }
  close(found->second.fd);
  entries_.erase(found);
}

void MemoryCopies::Sweep(SteadyTime now) {
  std::erase_if(entries_, [&](const auto& item) {
    const Entry& entry = item.second;
    const bool over = entry.idle_since && now - *entry.idle_since > kept_;
    if (over) close(entry.fd);
    return over;
  });
}

}  // namespace ocellus::agent
