#include "worker/dist/local_address.h"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "worker/wire/fault.h"

namespace ocellus::dist {
namespace {

wire::Fault Unreachable(const std::string& host, const std::string& cause) {
  return wire::Fault(wire::FaultClass::kInfraProcess, "PEER_LOST",
                     "cannot find a way to rank 0 at " + host + ": " + cause,
                     "check MASTER_ADDR and that this machine resolves and routes to it");
}

}  // namespace

std::string LocalAddressTowards(const std::string& host, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const int failed = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (failed != 0) throw Unreachable(host, gai_strerror(failed));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> list(found, freeaddrinfo);

  // Connecting a datagram socket only asks the routing table.
  const int fd = socket(list->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw Unreachable(host, std::strerror(errno));
  sockaddr_storage local{};
  socklen_t size = sizeof(local);
  const bool routed = connect(fd, list->ai_addr, list->ai_addrlen) == 0 &&
                      getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) == 0;
  const int error = errno;
  close(fd);
  if (!routed) throw Unreachable(host, std::strerror(error));

  char text[NI_MAXHOST] = {};
  getnameinfo(reinterpret_cast<sockaddr*>(&local), size, text, sizeof(text), nullptr, 0,
              NI_NUMERICHOST);
  return text;
}

}  // namespace ocellus::dist
