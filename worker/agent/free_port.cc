#include "worker/agent/free_port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <random>

namespace ocellus::agent {
namespace {

constexpr int kLowest = 20000;
constexpr int kHighest = 32000;
constexpr int kTriesMax = 200;

bool CanListen(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  const bool can =
      bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0 && listen(fd, 1) == 0;
  close(fd);
  return can;
}

}  // namespace

absl::StatusOr<int> FreePort(const std::set<int>& taken) {
  std::random_device random;
  std::uniform_int_distribution<int> port(kLowest, kHighest);
  for (int tries = 0; tries < kTriesMax; ++tries) {
    const int candidate = port(random);
    if (!taken.contains(candidate) && CanListen(candidate)) return candidate;
  }
  return absl::ResourceExhaustedError(
      "no free loopback port between 20000 and 32000; is something listening on all of them?");
}

}  // namespace ocellus::agent
