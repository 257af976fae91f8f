#include "tests/worker/dist/local_ranks.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <torch/torch.h>
#include <unistd.h>

#include <cstdio>

namespace ocellus::dist {
namespace {

int ListenAnywhere(int* port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  listen(fd, 16);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  *port = ntohs(address.sin_port);
  return fd;
}

int Guarded(const std::function<int(const Membership&)>& body, const Membership& membership) {
  try {
    at::set_num_threads(1);
    return body(membership);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "rank %d: %s\n", membership.rank, error.what());
    return 99;
  }
}

}  // namespace

std::vector<int> RunRanks(int world, const std::function<int(const Membership&)>& body) {
  Membership membership;
  membership.world = world;
  const int fd = ListenAnywhere(&membership.master_port);
  std::vector<pid_t> children;
  for (int rank = 0; rank < world; ++rank) {
    const pid_t child = fork();
    if (child == 0) {
      membership.rank = rank;
      membership.listen_fd = rank == 0 ? fd : -1;
      _exit(Guarded(body, membership));
    }
    children.push_back(child);
  }
  close(fd);
  std::vector<int> codes;
  for (const pid_t child : children) {
    int status = 0;
    waitpid(child, &status, 0);
    codes.push_back(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  }
  return codes;
}

}  // namespace ocellus::dist
