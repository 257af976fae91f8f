#include "tools/cli/port.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace ocellus::cli {
namespace {

namespace fs = std::filesystem;

constexpr char kListening[] = "0A";  // state of a listening socket in /proc/net/tcp

// Inode of the socket that listens on `port`, from /proc/net/tcp or tcp6; empty when there is none.
std::string ListenerInode(const std::string& table, int port) {
  std::ifstream file(table);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string slot, local, remote, state, queues, timer, retries, uid, timeout, inode;
    fields >> slot >> local >> remote >> state >> queues >> timer >> retries >> uid >> timeout >>
        inode;
    const size_t colon = local.rfind(':');
    if (state != kListening || colon == std::string::npos) {
      continue;
    }
    if (std::strtol(local.c_str() + colon + 1, nullptr, 16) == port) {
      return inode;
    }
  }
  return "";
}

// Whether one of the process's descriptors is the socket.
bool Holds(const fs::path& process, const std::string& inode) {
  std::error_code error;
  const std::string wanted = "socket:[" + inode + "]";
  for (fs::directory_iterator at(process / "fd", error), end; !error && at != end;
       at.increment(error)) {
    std::error_code unreadable;
    if (fs::read_symlink(at->path(), unreadable).string() == wanted) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string PortHolder(int port) {
  std::string inode = ListenerInode("/proc/net/tcp", port);
  if (inode.empty()) {
    inode = ListenerInode("/proc/net/tcp6", port);
  }
  if (inode.empty()) {
    return "";
  }
  std::error_code error;
  for (fs::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error)) {
    const std::string pid = at->path().filename().string();
    int number = 0;
    if (!absl::SimpleAtoi(pid, &number) || !Holds(at->path(), inode)) {
      continue;
    }
    std::string program;
    std::error_code unreadable;
    program = fs::read_symlink(at->path() / "exe", unreadable).filename().string();
    return absl::StrCat(program.empty() ? "a process" : program, " (pid ", pid, ")");
  }
  return "";
}

absl::Status CheckPortFree(int port, const std::string& flag) {
  if (port == 0) {
    return absl::OkStatus();
  }
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool bound = fd >= 0 &&
                     bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 &&
                     listen(fd, 1) == 0;
  const int error = errno;
  if (fd >= 0) {
    close(fd);
  }
  if (bound) {
    return absl::OkStatus();
  }
  if (error != EADDRINUSE) {
    return absl::FailedPreconditionError(absl::StrCat("cannot listen on 127.0.0.1:", port, ": ",
                                                      strerror(error), "\n  next: give ", flag,
                                                      " another port, or 0 for a free one"));
  }
  const std::string holder = PortHolder(port);
  return absl::FailedPreconditionError(
      absl::StrCat("port ", port, " of 127.0.0.1 is in use", holder.empty() ? "" : " by ", holder,
                   "\n  next: stop that, or give ", flag, " another port (0 takes a free one)"));
}

}  // namespace ocellus::cli
