// An HTTP server on loopback that says what a test has written down, one answer a request, and
// keeps what it was asked. Thread-safe.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace ocellus::coordinator {

class ScriptedApi {
 public:
  ScriptedApi();
  ~ScriptedApi();

  // The next answer: status, body, more header lines ("Retry-After: 1\r\n").
  void Say(int status, const std::string& body, const std::string& headers = "");
  // Half of an answer, then the connection is closed.
  void Break(const std::string& body);

  std::string url() const;
  // Requests so far: first line and headers.
  std::vector<std::string> Asked() const;

 private:
  void Serve();
  void Answer(int connection);

  int socket_ = -1;
  int port_ = 0;
  mutable std::mutex mutex_;
  std::deque<std::string> answers_;
  std::vector<std::string> asked_;
  std::thread thread_;
};

}  // namespace ocellus::coordinator
