// TLS of the page: the server's certificate from two files that are looked at again, so that a
// renewed one serves the next connection. Thread-safe.
#pragma once

#include <openssl/ssl.h>

#include <filesystem>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/base/clock.h"

namespace ocellus::coordinator {

class RotatingTls {
 public:
  // PEM files: the certificate with those above it, and its key. INVALID_ARGUMENT when they cannot
  // be used. `clock` outlives it.
  static absl::StatusOr<std::unique_ptr<RotatingTls>> Open(const std::string& certificate,
                                                           const std::string& key,
                                                           const Clock* clock);

  // Makes `context` show the newest certificate. TLS 1.2 or newer. This outlives `context`.
  void Attach(SSL_CTX* context);

 private:
  using Context = std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)>;
  using Times = std::pair<std::filesystem::file_time_type, std::filesystem::file_time_type>;

  RotatingTls(std::string certificate, std::string key, const Clock* clock);
  static int Choose(SSL* connection, void* self);
  absl::Status Load();    // mutex_ is held
  Times Written() const;  // the earliest time for a file that is not there

  const std::string certificate_, key_;
  const Clock* clock_;
  std::mutex mutex_;
  Context current_;
  Times loaded_;
  absl::Duration looked_;  // monotonic
};

}  // namespace ocellus::coordinator
