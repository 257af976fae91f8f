// The page for browsers, on a listener of its own: jobs, loss curves, pictures and nodes, to look
// at and nothing else. HTTP/1.1 with GET and HEAD; web/ has what it looks like, answers.h what it
// shows.
//
// In secure mode it speaks TLS with the server's certificate, and data want the token that any call
// wants; the files of the page themselves are for everybody. In local mode it wants no token and
// therefore listens on loopback only, and answers only who names it by address or as localhost: a
// foreign page cannot make a browser ask for it under a name of its own.
#pragma once

#include <memory>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "coordinator/auth/gate.h"
#include "coordinator/auth/security.h"
#include "coordinator/base/clock.h"
#include "coordinator/page/answers.h"
#include "coordinator/page/rotating_tls.h"

namespace httplib {
class Server;
struct Request;
struct Response;
}  // namespace httplib

namespace ocellus::coordinator {

struct PageSettings {
  std::string listen;     // "127.0.0.1:7413"; port 0 picks one
  bool anywhere = false;  // local mode on any address: --insecure-dev
  Mode mode = Mode::kLocal;
  std::string certificate, key;  // of secure mode
};

class PageServer {
 public:
  // All outlive it; `api` leads to the server of this process. INVALID_ARGUMENT for an address that
  // is not loopback in local mode; FAILED_PRECONDITION when the port is in use.
  static absl::StatusOr<std::unique_ptr<PageServer>> Start(
      const PageSettings& settings, const std::shared_ptr<grpc::Channel>& api, Objects* objects,
      const LiveGangs* live, const Clock* clock);
  // Requests that have begun are answered.
  ~PageServer();

  const std::string& address() const { return address_; }  // "127.0.0.1:7413"
  std::string url() const;                                 // "http://127.0.0.1:7413/"

 private:
  PageServer(PageSettings settings, Answers answers);
  absl::Status Listen();
  void Configure();
  void Handle(const httplib::Request& request, httplib::Response* response);
  // Why the request is refused before its path is looked at; 0: it is not.
  int Refusal(const httplib::Request& request) const;

  const PageSettings settings_;
  Answers answers_;
  std::unique_ptr<RotatingTls> tls_;  // null in local mode
  std::unique_ptr<httplib::Server> server_;
  std::string address_;
  std::thread thread_;
};

// Whether a Host header names a machine by address or as localhost: "127.0.0.1:7413", "[::1]",
// "localhost:80".
bool IsAddressOrLocalhost(const std::string& host);

}  // namespace ocellus::coordinator
