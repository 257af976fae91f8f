#include "tests/coordinator/launch/scripted_api.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace ocellus::coordinator {
namespace {

size_t BodyBytes(const std::string& head) {
  const size_t at = head.find("Content-Length: ");
  int bytes = 0;
  return at != std::string::npos &&
                 absl::SimpleAtoi(head.substr(at + 16, head.find('\r', at) - at - 16), &bytes)
             ? static_cast<size_t>(bytes)
             : 0;
}

}  // namespace

ScriptedApi::ScriptedApi() {
  socket_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(address);
  bind(socket_, reinterpret_cast<sockaddr*>(&address), length);
  listen(socket_, 16);
  getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { Serve(); });
}

ScriptedApi::~ScriptedApi() {
  shutdown(socket_, SHUT_RDWR);
  thread_.join();
  close(socket_);
}

std::string ScriptedApi::url() const { return absl::StrCat("http://127.0.0.1:", port_); }

void ScriptedApi::Say(int status, const std::string& body, const std::string& headers) {
  const std::lock_guard lock(mutex_);
  answers_.push_back(absl::StrCat("HTTP/1.1 ", status, " X\r\nContent-Length: ", body.size(),
                                  "\r\n", headers, "Connection: close\r\n\r\n", body));
}

void ScriptedApi::Break(const std::string& body) {
  const std::lock_guard lock(mutex_);
  answers_.push_back(absl::StrCat("HTTP/1.1 200 X\r\nContent-Length: ", body.size() + 100,
                                  "\r\nConnection: close\r\n\r\n", body));
}

std::vector<std::string> ScriptedApi::Asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

void ScriptedApi::Serve() {
  for (int connection; (connection = accept(socket_, nullptr, nullptr)) >= 0;) {
    Answer(connection);
    close(connection);
  }
}

void ScriptedApi::Answer(int connection) {
  std::string text;
  char bytes[4096];
  size_t end = std::string::npos;
  while (end == std::string::npos || text.size() < end + 4 + BodyBytes(text.substr(0, end))) {
    const ssize_t got = read(connection, bytes, sizeof(bytes));
    if (got <= 0) {
      return;
    }
    text.append(bytes, static_cast<size_t>(got));
    end = text.find("\r\n\r\n");
  }
  std::string answer = "HTTP/1.1 500 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
  {
    const std::lock_guard lock(mutex_);
    asked_.push_back(text);
    if (!answers_.empty()) {
      answer = answers_.front();
      answers_.pop_front();
    }
  }
  [[maybe_unused]] const ssize_t sent = write(connection, answer.data(), answer.size());
}

}  // namespace ocellus::coordinator
