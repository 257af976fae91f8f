// HTTP over libcurl: one request, one answer, connections reused. Knows nothing of S3.
//
//   HttpPool pool;
//   HttpResponse answer = pool.Send({.method = "GET", .url = url}, Clock::now() + 5s);
//   if (answer.transport != Transport::kDone) ...   // no answer, or half of one
//
// No redirect is followed, no header is logged, and no trouble's text has the URL or a header in
// it: both may carry secrets.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "worker/store/sigv4.h"

namespace ocellus::store {

struct HttpRequest {
  std::string method = "GET";  // GET, HEAD, PUT, POST or DELETE
  std::string url;             // percent-encoded
  NameValues headers;
  std::span<const std::byte> body = {};  // of PUT and POST; not owned
  // Where the body of an answer with status `into_status` goes; not owned. A longer one is
  // kTooLong.
  std::span<std::byte> into = {};
  int into_status = 0;
  size_t text_bytes_max = 16 << 20;  // any other body; a longer one is kTooLong
  bool direct = false;               // past any proxy (for metadata services)
};

enum class Transport {
  kDone,         // an answer came whole
  kUnreachable,  // no connection: name, address, refused, or not within connect_timeout
  kTls,          // the certificate or the handshake
  kTimedOut,     // the deadline passed, or nothing moved for stall_timeout
  kBroken,       // the connection ended in the middle
  kTooLong,      // more bytes than there is room for
};

struct HttpResponse {
  Transport transport = Transport::kBroken;
  std::string trouble;  // in words, unless kDone
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  size_t into_bytes = 0;

  // "" when it is absent.
  std::string Header(const std::string& name) const;
};

struct HttpOptions {
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds stall_timeout{20'000};
  std::string ca_file;   // "": the system's
  size_t idle_max = 64;  // connections that are kept open
};

// Thread-safe; any number of requests at once, each on a connection of its own.
class HttpPool {
 public:
  explicit HttpPool(HttpOptions options = {});
  ~HttpPool();
  HttpPool(const HttpPool&) = delete;

  HttpResponse Send(const HttpRequest& request, std::chrono::steady_clock::time_point deadline);

 private:
  class Handle;
  std::unique_ptr<Handle> Take();
  void Return(std::unique_ptr<Handle> handle);

  const HttpOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Handle>> idle_;  // guarded by mutex_; the last one used is warmest
};

}  // namespace ocellus::store
