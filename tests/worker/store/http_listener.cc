#include "tests/worker/store/http_listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>

#include "worker/store/encoding.h"

namespace ocellus::store {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

// Listens on a free port.
int Listen(int* port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(fd, 128) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("cannot listen on 127.0.0.1");
  }
  *port = ntohs(address.sin_port);
  return fd;
}

// Appends what comes; false at the end.
bool Receive(int fd, std::string* buffer) {
  char bytes[65536];
  const ssize_t got = recv(fd, bytes, sizeof(bytes), 0);
  if (got > 0) buffer->append(bytes, static_cast<size_t>(got));
  return got > 0;
}

// Takes one request off the front of `buffer`, which is filled as needed.
bool Next(int fd, std::string* buffer, SeenRequest* seen) {
  size_t end;
  while ((end = buffer->find("\r\n\r\n")) == std::string::npos) {
    if (!Receive(fd, buffer)) return false;
  }
  seen->head = buffer->substr(0, end + 4);
  const size_t first_end = seen->head.find("\r\n");
  const std::string first = seen->head.substr(0, first_end);
  const size_t blank = first.find(' '), second = first.rfind(' ');
  seen->method = first.substr(0, blank);
  seen->target = first.substr(blank + 1, second - blank - 1);
  for (size_t at = first_end + 2; at < end;) {
    const size_t line_end = seen->head.find("\r\n", at);
    const size_t colon = seen->head.find(':', at);
    seen->headers[Lower(seen->head.substr(at, colon - at))] =
        Trimmed(seen->head.substr(colon + 1, line_end - colon - 1));
    at = line_end + 2;
  }
  const size_t bytes = std::strtoull(seen->headers["content-length"].c_str(), nullptr, 10);
  while (buffer->size() < end + 4 + bytes) {
    if (!Receive(fd, buffer)) return false;
  }
  seen->body = buffer->substr(end + 4, bytes);
  buffer->erase(0, end + 4 + bytes);
  return true;
}

// False when the connection is over.
bool Send(int fd, const Reply& reply) {
  std::this_thread::sleep_for(reply.delay);
  const size_t size = std::min(reply.bytes.size(), reply.cut);
  const size_t step = reply.dribble_bytes == 0 ? size : reply.dribble_bytes;
  for (size_t at = 0; at < size; at += step) {
    if (at > 0) std::this_thread::sleep_for(reply.dribble_pause);
    if (!SendAll(fd, reply.bytes.data() + at, std::min(step, size - at))) return false;
  }
  return size == reply.bytes.size() && size > 0;
}

}  // namespace

Reply Answer(int status, const std::string& body,
             const std::map<std::string, std::string>& headers) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " X\r\n";
  for (const auto& [name, value] : headers) text += name + ": " + value + "\r\n";
  return {text + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body};
}

bool SendAll(int fd, const char* data, size_t size) {
  while (size > 0) {
    const ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    data += sent;
    size -= static_cast<size_t>(sent);
  }
  return true;
}

void ResetAndClose(int fd) {
  const linger now{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
  close(fd);
}

int ConnectTo(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  const sockaddr_in address = Loopback(port);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
  close(fd);
  return -1;
}

int FreePort() {
  int port = 0;
  close(Listen(&port));
  return port;
}

HttpListener::HttpListener(Handler handler) : handler_(std::move(handler)) {
  fd_ = Listen(&port_);
  thread_ = std::thread([this] { Accept(); });
}

HttpListener::~HttpListener() {
  stop_ = true;
  shutdown(fd_, SHUT_RDWR);
  thread_.join();
  close(fd_);
  {
    const std::lock_guard lock(mutex_);
    for (Connection& connection : connections_) {
      if (!connection.done) shutdown(connection.fd, SHUT_RDWR);
    }
  }
  for (Connection& connection : connections_) connection.thread.join();
}

void HttpListener::Accept() {
  while (!stop_) {
    const int fd = accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    const std::lock_guard lock(mutex_);
    connections_.remove_if([](Connection& connection) {
      if (!connection.done) return false;
      connection.thread.join();
      return true;
    });
    Connection& connection = connections_.emplace_back();
    connection.fd = fd;
    connection.thread = std::thread([this, &connection] {
      Serve(connection.fd);
      const std::lock_guard closing(mutex_);
      ResetAndClose(connection.fd);
      connection.done = true;
    });
  }
}

void HttpListener::Serve(int fd) {
  std::string buffer;
  SeenRequest seen;
  while (!stop_ && Next(fd, &buffer, &seen)) {
    if (!Send(fd, handler_(seen))) break;
    seen = {};
  }
}

}  // namespace ocellus::store
