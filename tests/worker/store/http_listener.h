// An HTTP server for tests, on a free port of 127.0.0.1: each request goes to a function that says
// what is sent back, and how badly.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace ocellus::store {

struct SeenRequest {
  std::string method;
  std::string target;                          // path and query as they came
  std::map<std::string, std::string> headers;  // names in lower case
  std::string head;                            // as it came, with the empty line
  std::string body;
};

struct Reply {
  std::string bytes;                   // the whole answer; none: the connection is reset
  size_t cut = std::string::npos;      // reset after that many of them
  std::chrono::milliseconds delay{0};  // before the first
  size_t dribble_bytes = 0;            // a pause after each so many; 0: at once
  std::chrono::milliseconds dribble_pause{1};
};

// "HTTP/1.1 200 OK\r\n..." with Content-Length.
Reply Answer(int status, const std::string& body = "",
             const std::map<std::string, std::string>& headers = {});

class HttpListener {
 public:
  using Handler = std::function<Reply(const SeenRequest&)>;
  // `handler` is called by many threads at once.
  explicit HttpListener(Handler handler);
  ~HttpListener();

  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  struct Connection {
    int fd = -1;
    std::atomic<bool> done{false};
    std::thread thread;
  };
  void Accept();
  void Serve(int fd);

  Handler handler_;
  int fd_ = -1;
  int port_ = 0;
  std::atomic<bool> stop_{false};
  std::mutex mutex_;
  std::list<Connection> connections_;  // guarded by mutex_
  std::thread thread_;
};

// A port of 127.0.0.1 that is free at this moment.
int FreePort();

// A connected socket to a port of 127.0.0.1, or -1.
int ConnectTo(int port);

// Closes with a reset, so that the peer sees an error and not an end.
void ResetAndClose(int fd);

// All of it; false when the peer is gone.
bool SendAll(int fd, const char* data, size_t size);

}  // namespace ocellus::store
