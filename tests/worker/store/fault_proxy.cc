#include "tests/worker/store/fault_proxy.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>

namespace ocellus::store {
namespace {

// Asks for an end after this answer, so that its end is known without reading it.
std::string WithClose(const std::string& head) {
  return head.substr(0, head.size() - 2) + "Connection: close\r\n\r\n";
}

// The client's connection goes on.
void DropClose(std::string* answer) {
  const size_t end = answer->find("\r\n\r\n");
  for (const char* line : {"Connection: close\r\n", "connection: close\r\n"}) {
    const size_t at = answer->find(line);
    if (at < end) answer->erase(at, std::char_traits<char>::length(line));
  }
}

void FlipBit(std::string* text, size_t begin, uint64_t chance) {
  if (begin >= text->size()) return;
  char& byte = (*text)[begin + chance % (text->size() - begin)];
  byte = static_cast<char>(byte ^ (1 << (chance >> 40) % 8));
}

}  // namespace

FaultProxy::FaultProxy(int server_port, uint64_t seed, FaultMix mix)
    : server_port_(server_port),
      mix_(mix),
      random_(seed),
      listener_([this](const SeenRequest& request) { return Handle(request); }) {}

FaultProxy::Fate FaultProxy::Draw() {
  if (healed_) return {};
  const std::lock_guard lock(mutex_);
  Fate fate{Fault::kNone, random_()};
  int dice = static_cast<int>(random_() % 100);
  const std::pair<Fault, int> table[] = {{Fault::kLate, mix_.late},
                                         {Fault::kResetBefore, mix_.reset_before},
                                         {Fault::kResetAfter, mix_.reset_after},
                                         {Fault::kInternalError, mix_.internal_error},
                                         {Fault::kSlowDown, mix_.slow_down},
                                         {Fault::kCut, mix_.cut},
                                         {Fault::kHalfUpload, mix_.half_upload},
                                         {Fault::kChangedUpload, mix_.changed_upload},
                                         {Fault::kChangedAnswer, mix_.changed_answer},
                                         {Fault::kSlow, mix_.slow}};
  for (const auto& [fault, percent] : table) {
    if (fate.fault == Fault::kNone && dice < percent) fate.fault = fault;
    dice -= percent;
  }
  faults_ += fate.fault != Fault::kNone;
  return fate;
}

std::string FaultProxy::Forward(const SeenRequest& request, size_t bytes) const {
  const int fd = ConnectTo(server_port_);
  if (fd < 0) return "";
  const std::string text = WithClose(request.head) + request.body;
  const size_t size = std::min(text.size(), bytes);
  std::string answer;
  if (SendAll(fd, text.data(), size) && size == text.size()) {
    char buffer[65536];
    for (ssize_t got; (got = recv(fd, buffer, sizeof(buffer), 0)) > 0;) {
      answer.append(buffer, static_cast<size_t>(got));
    }
  }
  ResetAndClose(fd);
  DropClose(&answer);
  return answer;
}

Reply FaultProxy::Handle(SeenRequest request) {
  if (broken_ && !healed_) return {};
  const Fate fate = Draw();
  const size_t whole = std::string::npos;
  switch (fate.fault) {
    case Fault::kNone:
      return {Forward(request, whole)};
    case Fault::kLate:
      return {.bytes = Forward(request, whole),
              .delay = std::chrono::milliseconds(1 + fate.chance % 20)};
    case Fault::kResetBefore:
      return {};
    case Fault::kResetAfter:
      Forward(request, whole);
      return {};
    case Fault::kInternalError:
      return Answer(500, "<Error><Code>InternalError</Code></Error>");
    case Fault::kSlowDown:
      return Answer(503, "<Error><Code>SlowDown</Code></Error>");
    case Fault::kCut: {
      const std::string answer = Forward(request, whole);
      return {.bytes = answer, .cut = answer.empty() ? 0 : fate.chance % answer.size()};
    }
    case Fault::kHalfUpload:
      Forward(request, request.head.size() + request.body.size() / 2);
      return {};
    case Fault::kChangedUpload:
      FlipBit(&request.body, 0, fate.chance);
      return {Forward(request, whole)};
    case Fault::kChangedAnswer: {
      std::string answer = Forward(request, whole);
      // Only objects have checksums; lists are for TLS to guard.
      const bool object =
          request.method == "GET" && request.target.find("list-type") == std::string::npos;
      if (object) FlipBit(&answer, answer.find("\r\n\r\n") + 4, fate.chance);
      return {answer};
    }
    case Fault::kSlow:
      return {.bytes = Forward(request, whole),
              .dribble_bytes = 64 << 10,
              .dribble_pause = std::chrono::milliseconds(5)};
  }
  return {};
}

}  // namespace ocellus::store
