#include "coordinator/page/page_server.h"

#include <arpa/inet.h>
#include <httplib.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/base/endpoint_file.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/page/bounded_pool.h"
#include "coordinator/page/files.h"

namespace ocellus::coordinator {
namespace {

constexpr size_t kThreads = 8;
constexpr size_t kWaitingMax = 64;
constexpr int kTimeoutS = 5;
constexpr size_t kBodyMax = 1024;
constexpr size_t kPathMax = 256;
constexpr char kBearer[] = "bearer ";
constexpr char kFlag[] = "--page-listen";

// Nothing but its own files may run, nothing else be asked for, and nobody may frame it.
const httplib::Headers& SafeHeaders() {
  static const auto* headers = new httplib::Headers{
      {"Content-Security-Policy",
       "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
       "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
       "require-trusted-types-for 'script'"},
      {"X-Content-Type-Options", "nosniff"},
      {"X-Frame-Options", "DENY"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cache-Control", "no-store"}};
  return *headers;
}

int HttpCode(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnauthenticated:
      return 401;
    case absl::StatusCode::kPermissionDenied:
      return 403;
    case absl::StatusCode::kNotFound:
      return 404;
    case absl::StatusCode::kInvalidArgument:
      return 400;
    case absl::StatusCode::kResourceExhausted:
      return 429;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return 503;
    default:
      return 500;
  }
}

void Refuse(int code, const std::string& why, httplib::Response* response) {
  response->status = code;
  if (code == 401) response->set_header("WWW-Authenticate", "Bearer");
  if (code == 405) response->set_header("Allow", "GET, HEAD");
  response->set_content(nlohmann::json{{"error", why}}.dump(), "application/json");
}

std::string TokenOf(const httplib::Request& request) {
  const std::string value = request.get_header_value("Authorization");
  return absl::StartsWithIgnoreCase(value, kBearer) ? value.substr(sizeof(kBearer) - 1) : "";
}

}  // namespace

bool IsAddressOrLocalhost(const std::string& host) {
  const size_t colon = host.rfind(':');
  const bool has_port = colon != std::string::npos && host.find(']', colon) == std::string::npos &&
                        (host.find(':') == colon || absl::StartsWith(host, "["));
  const std::string name = absl::AsciiStrToLower(HostOf(has_port ? host : host + ":"));
  unsigned char address[sizeof(in6_addr)];
  return name == "localhost" || inet_pton(AF_INET, name.c_str(), address) == 1 ||
         inet_pton(AF_INET6, name.c_str(), address) == 1;
}

PageServer::PageServer(PageSettings settings, Answers answers)
    : settings_(std::move(settings)), answers_(std::move(answers)) {}

absl::StatusOr<std::unique_ptr<PageServer>> PageServer::Start(
    const PageSettings& settings, const std::shared_ptr<grpc::Channel>& api, Objects* objects,
    const LiveGangs* live, const Clock* clock) {
  if (settings.listen.find(':') == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat(kFlag, " ", settings.listen, ": write HOST:PORT, for example 127.0.0.1:7413"));
  }
  if (settings.mode == Mode::kLocal && !settings.anywhere && !IsLoopbackAddress(settings.listen)) {
    return absl::InvalidArgumentError(
        absl::StrCat(kFlag, " ", settings.listen,
                     ": without tokens the page is for this machine alone; give a loopback "
                     "address, or --secure"));
  }
  std::unique_ptr<PageServer> made(new PageServer(settings, Answers(api, objects, live)));
  if (settings.mode == Mode::kSecure) {
    OCELLUS_ASSIGN_OR_RETURN(made->tls_,
                             RotatingTls::Open(settings.certificate, settings.key, clock));
    made->server_ = std::make_unique<httplib::SSLServer>([&](SSL_CTX& context) {
      made->tls_->Attach(&context);
      return true;
    });
  } else {
    made->server_ = std::make_unique<httplib::Server>();
  }
  made->Configure();
  OCELLUS_RETURN_IF_ERROR(made->Listen());
  return made;
}

void PageServer::Configure() {
  server_->new_task_queue = [] { return new BoundedPool(kThreads, kWaitingMax); };
  // One request a connection, so that an idle browser keeps no thread.
  server_->set_keep_alive_max_count(1);
  server_->set_read_timeout(kTimeoutS);
  server_->set_write_timeout(kTimeoutS);
  server_->set_payload_max_length(kBodyMax);
  server_->set_default_headers(SafeHeaders());
  // The library's own choice would let two coordinators share a port.
  server_->set_socket_options([](int socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  });
  server_->set_pre_routing_handler(
      [this](const httplib::Request& request, httplib::Response& response) {
        Handle(request, &response);
        return httplib::Server::HandlerResponse::Handled;
      });
  server_->set_exception_handler(
      [](const httplib::Request&, httplib::Response& response, const std::exception_ptr&) {
        Refuse(500, "the page failed; see the coordinator's log", &response);
      });
}

absl::Status PageServer::Listen() {
  const std::string& listen = settings_.listen;
  const std::string host = HostOf(listen);
  const int wished = std::atoi(listen.c_str() + listen.rfind(':') + 1);
  const int port = wished == 0                           ? server_->bind_to_any_port(host)
                   : server_->bind_to_port(host, wished) ? wished
                                                         : -1;
  if (port <= 0) return PortInUse(listen, kFlag);
  address_ = absl::StrCat(listen.substr(0, listen.rfind(':')), ":", port);
  thread_ = std::thread([this] { server_->listen_after_bind(); });
  while (!server_->is_running()) std::this_thread::yield();
  return absl::OkStatus();
}

PageServer::~PageServer() {
  if (!thread_.joinable()) return;
  server_->stop();
  thread_.join();
}

std::string PageServer::url() const {
  return absl::StrCat(tls_ == nullptr ? "http://" : "https://", address_, "/");
}

int PageServer::Refusal(const httplib::Request& request) const {
  if (settings_.mode == Mode::kLocal && !IsAddressOrLocalhost(request.get_header_value("Host"))) {
    return 421;
  }
  const std::string from = request.get_header_value("Sec-Fetch-Site");
  if (!from.empty() && from != "same-origin" && from != "none" &&
      absl::StartsWith(request.path, "/api/")) {
    return 403;
  }
  return request.method == "GET" || request.method == "HEAD" ? 0 : 405;
}

void PageServer::Handle(const httplib::Request& request, httplib::Response* response) {
  if (const int code = Refusal(request); code != 0) {
    return Refuse(code,
                  code == 405   ? "this page is for reading only"
                  : code == 421 ? "ask for this page by its address or as localhost"
                                : "other sites may not read this",
                  response);
  }
  response->status = 200;
  if (const EmbeddedFile* file = FindFile(request.path); file != nullptr) {
    return response->set_content(file->text, TypeOf(*file).c_str());
  }
  if (request.path.size() > kPathMax || !absl::StartsWith(request.path, "/api/")) {
    return Refuse(404, "there is nothing of this name here", response);
  }
  const auto answer = answers_.To(
      {request.path, request.get_param_value("after"), TokenOf(request), request.remote_addr});
  if (!answer.ok()) {
    return Refuse(HttpCode(answer.status()), std::string(answer.status().message()), response);
  }
  response->set_content(answer->body, answer->type.c_str());
}

}  // namespace ocellus::coordinator
