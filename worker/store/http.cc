#include "worker/store/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "worker/store/encoding.h"

namespace ocellus::store {
namespace {

constexpr long kReceiveBufferBytes = 512 << 10;
constexpr long kSendBufferBytes = 1 << 20;

// What libcurl's callbacks work on during one request.
struct Exchange {
  const HttpRequest* request;
  HttpResponse* response;
  size_t sent = 0;
  bool too_long = false;
};

size_t OnHeader(char* data, size_t size, size_t count, void* user) {
  auto* exchange = static_cast<Exchange*>(user);
  const std::string_view line(data, size * count);
  if (line.starts_with("HTTP/")) {  // a new answer (after 100 Continue)
    exchange->response->headers.clear();
    const size_t blank = line.find(' ');
    const std::string_view code = line.substr(blank == std::string_view::npos ? 0 : blank + 1, 3);
    exchange->response->status = std::atoi(std::string(code).c_str());
  }
  const size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    exchange->response->headers[Lower(std::string(line.substr(0, colon)))] =
        Trimmed(line.substr(colon + 1));
  }
  return size * count;
}

size_t OnBody(char* data, size_t size, size_t count, void* user) {
  auto* exchange = static_cast<Exchange*>(user);
  HttpResponse* response = exchange->response;
  const size_t bytes = size * count;
  const HttpRequest& request = *exchange->request;
  const bool into = request.into_status != 0 && response->status == request.into_status;
  const size_t have = into ? response->into_bytes : response->body.size();
  const size_t room = (into ? request.into.size() : request.text_bytes_max) - have;
  if (bytes > room) {
    exchange->too_long = true;
    return 0;
  }
  if (into) {
    std::memcpy(request.into.data() + have, data, bytes);
    response->into_bytes += bytes;
  } else {
    response->body.append(data, bytes);
  }
  return bytes;
}

size_t OnSend(char* data, size_t size, size_t count, void* user) {
  auto* exchange = static_cast<Exchange*>(user);
  const auto& body = exchange->request->body;
  const size_t bytes = std::min(size * count, body.size() - exchange->sent);
  std::memcpy(data, body.data() + exchange->sent, bytes);
  exchange->sent += bytes;
  return bytes;
}

int OnSeek(void* user, curl_off_t offset, int origin) {
  auto* exchange = static_cast<Exchange*>(user);
  if (origin != SEEK_SET || offset < 0) return CURL_SEEKFUNC_FAIL;
  exchange->sent = static_cast<size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

Transport Meaning(CURLcode code, bool too_long) {
  if (too_long) return Transport::kTooLong;
  switch (code) {
    case CURLE_OK:
      return Transport::kDone;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
      return Transport::kUnreachable;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
      return Transport::kTls;
    case CURLE_OPERATION_TIMEDOUT:
      return Transport::kTimedOut;
    default:
      return Transport::kBroken;
  }
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

HeaderList MakeHeaders(const NameValues& headers) {
  HeaderList list;
  const auto add = [&](const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) throw std::bad_alloc();
    list.release();
    list.reset(longer);
  };
  // A colon alone takes out what libcurl would add, a semicolon makes an empty value.
  for (const char* unwanted : {"Expect:", "Accept:", "User-Agent:", "Content-Type:"}) {
    const std::string name = Lower(std::string(unwanted, std::strlen(unwanted) - 1));
    const bool given = std::any_of(headers.begin(), headers.end(),
                                   [&](const auto& header) { return Lower(header.first) == name; });
    if (!given) add(unwanted);
  }
  for (const auto& [name, value] : headers) add(value.empty() ? name + ";" : name + ": " + value);
  return list;
}

}  // namespace

// One easy handle and its connection.
class HttpPool::Handle {
 public:
  Handle() : curl_(curl_easy_init()) {
    if (curl_ == nullptr) throw std::bad_alloc();
  }
  ~Handle() { curl_easy_cleanup(curl_); }
  Handle(const Handle&) = delete;

  HttpResponse Perform(const HttpRequest& request, const HttpOptions& options, long timeout_ms) {
    HttpResponse response;
    Exchange exchange{&request, &response};
    char text[CURL_ERROR_SIZE] = "";
    curl_easy_reset(curl_);  // keeps the connection
    const HeaderList headers = MakeHeaders(request.headers);
    Set(CURLOPT_HTTPHEADER, headers.get());
    Set(CURLOPT_ERRORBUFFER, text);
    SetLimits(request, options, timeout_ms);
    SetMethod(request);
    SetCallbacks(&exchange);
    const CURLcode code = curl_easy_perform(curl_);
    response.transport = Meaning(code, exchange.too_long);
    if (response.transport == Transport::kTooLong) response.trouble = "the answer is too long";
    if (code != CURLE_OK && response.trouble.empty()) response.trouble = curl_easy_strerror(code);
    return response;
  }

 private:
  template <typename T>
  void Set(CURLoption option, T value) {
    curl_easy_setopt(curl_, option, value);
  }

  void SetLimits(const HttpRequest& request, const HttpOptions& options, long timeout_ms) {
    Set(CURLOPT_URL, request.url.c_str());
    Set(CURLOPT_PROTOCOLS_STR, "http,https");
    Set(CURLOPT_NOSIGNAL, 1L);
    Set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    Set(CURLOPT_TIMEOUT_MS, timeout_ms);
    Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_timeout.count()));
    Set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    Set(CURLOPT_LOW_SPEED_TIME, static_cast<long>((options.stall_timeout.count() + 999) / 1000));
    Set(CURLOPT_TCP_KEEPALIVE, 1L);
    Set(CURLOPT_BUFFERSIZE, kReceiveBufferBytes);
    Set(CURLOPT_UPLOAD_BUFFERSIZE, kSendBufferBytes);
    if (request.direct) Set(CURLOPT_NOPROXY, "*");
    if (!options.ca_file.empty()) Set(CURLOPT_CAINFO, options.ca_file.c_str());
  }

  void SetMethod(const HttpRequest& request) {
    if (request.method == "HEAD") {
      Set(CURLOPT_NOBODY, 1L);
    } else if (request.method == "PUT" || request.method == "POST") {
      Set(CURLOPT_UPLOAD, 1L);
      Set(CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      Set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    } else {
      Set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
  }

  void SetCallbacks(Exchange* exchange) {
    Set(CURLOPT_HEADERFUNCTION, OnHeader);
    Set(CURLOPT_HEADERDATA, exchange);
    Set(CURLOPT_WRITEFUNCTION, OnBody);
    Set(CURLOPT_WRITEDATA, exchange);
    Set(CURLOPT_READFUNCTION, OnSend);
    Set(CURLOPT_READDATA, exchange);
    Set(CURLOPT_SEEKFUNCTION, OnSeek);
    Set(CURLOPT_SEEKDATA, exchange);
  }

  CURL* curl_;
};

std::string HttpResponse::Header(const std::string& name) const {
  const auto found = headers.find(name);
  return found == headers.end() ? "" : found->second;
}

HttpPool::HttpPool(HttpOptions options) : options_(std::move(options)) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

HttpPool::~HttpPool() = default;

std::unique_ptr<HttpPool::Handle> HttpPool::Take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<Handle>();
  auto handle = std::move(idle_.back());
  idle_.pop_back();
  return handle;
}

void HttpPool::Return(std::unique_ptr<Handle> handle) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < options_.idle_max) idle_.push_back(std::move(handle));
}

HttpResponse HttpPool::Send(const HttpRequest& request,
                            std::chrono::steady_clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  if (left.count() <= 0) {
    HttpResponse late;
    late.transport = Transport::kTimedOut;
    late.trouble = "no time is left";
    return late;
  }
  auto handle = Take();
  HttpResponse response = handle->Perform(request, options_, static_cast<long>(left.count()));
  Return(std::move(handle));
  return response;
}

}  // namespace ocellus::store
