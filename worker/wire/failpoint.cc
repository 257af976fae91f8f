#include "worker/wire/failpoint.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace ocellus::wire {
namespace {

constexpr std::chrono::milliseconds kHoldPoll{5};

const FailpointOrder& Order() {
  static const FailpointOrder* order = [] {
    const char* text = std::getenv("OCELLUS_FAILPOINT");
    return new FailpointOrder(ParseFailpoint(text ? text : ""));
  }();
  return *order;
}

// False when another process, or this one earlier, has made it.
bool Mark(const std::string& marker) {
  if (marker.empty()) return true;
  const int fd = open(marker.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
  if (fd < 0) return false;
  close(fd);
  return true;
}

}  // namespace

FailpointOrder ParseFailpoint(const std::string& text) {
  FailpointOrder order;
  const size_t at = text.find('@');
  if (at != std::string::npos) order.marker = text.substr(at + 1);
  const std::string head = text.substr(0, at);
  const size_t first = head.find(':');
  if (first == std::string::npos) return {};
  const size_t second = head.find(':', first + 1);
  order.name = head.substr(0, first);
  order.action = head.substr(first + 1, second == std::string::npos ? second : second - first - 1);
  if (second != std::string::npos) order.hit = std::atoi(head.c_str() + second + 1);
  const bool known = order.action == "kill" || (order.action == "hold" && !order.marker.empty());
  return known && order.hit >= 1 ? order : FailpointOrder{};
}

bool FailpointsArmed() { return !Order().name.empty(); }

void PassFailpoint(const char* name) {
  static std::atomic<int> hits = 0;
  const FailpointOrder& order = Order();
  if (order.name != name || ++hits != order.hit || !Mark(order.marker)) return;
  std::fprintf(stderr, "failpoint %s: %s\n", name, order.action.c_str());
  if (order.action == "kill") {
    kill(getpid(), SIGKILL);
    pause();
  }
  while (access((order.marker + ".go").c_str(), F_OK) != 0) std::this_thread::sleep_for(kHoldPoll);
}

}  // namespace ocellus::wire
