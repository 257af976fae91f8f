#include "coordinator/page/rotating_tls.h"

#include <openssl/err.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"

namespace ocellus::coordinator {
namespace {

constexpr absl::Duration kLookInterval = absl::Seconds(1);

}  // namespace

RotatingTls::RotatingTls(std::string certificate, std::string key, const Clock* clock)
    : certificate_(std::move(certificate)),
      key_(std::move(key)),
      clock_(clock),
      current_(nullptr, SSL_CTX_free) {}

absl::StatusOr<std::unique_ptr<RotatingTls>> RotatingTls::Open(const std::string& certificate,
                                                               const std::string& key,
                                                               const Clock* clock) {
  std::unique_ptr<RotatingTls> made(new RotatingTls(certificate, key, clock));
  OCELLUS_RETURN_IF_ERROR(made->Load());
  return made;
}

void RotatingTls::Attach(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cert_cb(context, &RotatingTls::Choose, this);
}

RotatingTls::Times RotatingTls::Written() const {
  std::error_code gone;
  return {std::filesystem::last_write_time(certificate_, gone),
          std::filesystem::last_write_time(key_, gone)};
}

absl::Status RotatingTls::Load() {
  looked_ = clock_->Monotonic();
  const Times written = Written();
  Context fresh(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  const bool good = SSL_CTX_use_certificate_chain_file(fresh.get(), certificate_.c_str()) == 1 &&
                    SSL_CTX_use_PrivateKey_file(fresh.get(), key_.c_str(), SSL_FILETYPE_PEM) == 1 &&
                    SSL_CTX_check_private_key(fresh.get()) == 1;
  ERR_clear_error();
  if (!good) {
    return absl::InvalidArgumentError(absl::StrCat(
        certificate_, " and ", key_, " are no certificate in PEM with its private key"));
  }
  current_ = std::move(fresh);
  loaded_ = written;
  return absl::OkStatus();
}

int RotatingTls::Choose(SSL* connection, void* self) {
  auto* tls = static_cast<RotatingTls*>(self);
  const std::lock_guard lock(tls->mutex_);
  const bool look = tls->clock_->Monotonic() - tls->looked_ >= kLookInterval;
  if (look && tls->Written() != tls->loaded_) {
    // Half replaced files do not go together; the old certificate serves until they do.
    const absl::Status loaded = tls->Load();
    Log(loaded.ok() ? LogSeverity::kInfo : LogSeverity::kWarning, "page_certificate",
        {{"path", tls->certificate_}, {"note", loaded.ok() ? "renewed" : "not usable yet"}});
  }
  return SSL_set_SSL_CTX(connection, tls->current_.get()) == nullptr ? 0 : 1;
}

}  // namespace ocellus::coordinator
