#include "worker/trainer/local_ranks.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <vector>

#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

// From the first failure on; longer than a rank needs to notice that a peer is gone.
constexpr std::chrono::seconds kNoticeLimit{20};

// A listening socket on 127.0.0.1 at a free port.
int ListenAnywhere(int* port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      listen(fd, SOMAXCONN) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw wire::Fault(wire::FaultClass::kInfraProcess, "INTERNAL",
                      std::string("cannot listen on 127.0.0.1: ") + std::strerror(errno));
  }
  *port = ntohs(address.sin_port);
  return fd;
}

[[noreturn]] void BecomeRank(dist::Membership membership, int rank, int fd, const sigset_t& mask,
                             pid_t parent,
                             const std::function<int(const dist::Membership&)>& body) {
  // A group of its own: a Ctrl-C reaches it once, passed on by the parent.
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  membership.rank = rank;
  membership.listen_fd = rank == 0 ? fd : -1;
  if (rank != 0) close(fd);
  const int code = body(membership);
  fflush(nullptr);
  _exit(code);
}

class Family {
 public:
  explicit Family(std::vector<pid_t> ranks) : living_(std::move(ranks)) {}

  int WaitForAll(const sigset_t& signals);

 private:
  void Reap();
  void Signal(int number) {
    for (const pid_t rank : living_) kill(rank, number);
  }

  std::vector<pid_t> living_;
  int code_ = 0;
  std::chrono::steady_clock::time_point failed_at_{};
};

void Family::Reap() {
  int status = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    std::erase(living_, pid);
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    if (code == 0) continue;
    if (code_ == 0) failed_at_ = std::chrono::steady_clock::now();
    if (code_ == 0 || code == 2) code_ = code;
  }
}

int Family::WaitForAll(const sigset_t& signals) {
  constexpr timespec kPoll{0, 200'000'000};
  for (Reap(); !living_.empty(); Reap()) {
    const int signal = sigtimedwait(&signals, nullptr, &kPoll);
    if (signal == SIGTERM || signal == SIGINT) Signal(signal);
    if (code_ != 0 && std::chrono::steady_clock::now() - failed_at_ > kNoticeLimit) Signal(SIGKILL);
  }
  return code_;
}

}  // namespace

int RunLocalRanks(int ranks, const std::function<int(const dist::Membership&)>& body) {
  dist::Membership membership;
  membership.world = ranks;
  const int fd = ListenAnywhere(&membership.master_port);

  sigset_t signals, before;
  sigemptyset(&signals);
  for (const int number : {SIGCHLD, SIGTERM, SIGINT}) sigaddset(&signals, number);
  pthread_sigmask(SIG_BLOCK, &signals, &before);

  fflush(nullptr);
  const pid_t parent = getpid();
  std::vector<pid_t> children;
  for (int rank = 0; rank < ranks; ++rank) {
    const pid_t child = fork();
    if (child == 0) BecomeRank(membership, rank, fd, before, parent, body);
    if (child > 0) children.push_back(child);
  }
  close(fd);
  const int code = Family(children).WaitForAll(signals);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return children.size() == static_cast<size_t>(ranks) ? code : 1;
}

}  // namespace ocellus::trainer
