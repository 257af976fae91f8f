#include "coordinator/launch/kube_credentials.h"

#include <utility>

#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/launch/text_file.h"

namespace ocellus::coordinator {
namespace {

absl::Status Refresh(const TextOrFile& source, std::string* value) {
  if (source.file.empty()) {
    *value = source.text;
    return absl::OkStatus();
  }
  auto text = ReadTextFile(source.file);
  if (text.ok() && !text->empty()) {
    *value = *std::move(text);
    return absl::OkStatus();
  }
  const absl::Status status =
      text.ok() ? absl::FailedPreconditionError(source.file + " is empty") : text.status();
  if (value->empty()) {
    return status;
  }
  Log(LogSeverity::kWarning, "credentials_not_read", {{"why", std::string(status.message())}});
  return absl::OkStatus();
}

}  // namespace

KubeCredentials::KubeCredentials(KubeConfig config, const Clock* clock)
    : config_(std::move(config)), clock_(clock) {}

absl::StatusOr<KubeSecrets> KubeCredentials::Current() {
  const std::lock_guard lock(mutex_);
  if (clock_->Monotonic() - read_at_ >= kCredentialsAge) {
    OCELLUS_RETURN_IF_ERROR(Refresh(config_.authorities, &secrets_.authorities));
    OCELLUS_RETURN_IF_ERROR(Refresh(config_.token, &secrets_.token));
    OCELLUS_RETURN_IF_ERROR(Refresh(config_.certificate, &secrets_.certificate));
    OCELLUS_RETURN_IF_ERROR(Refresh(config_.key, &secrets_.key));
    read_at_ = clock_->Monotonic();
  }
  return secrets_;
}

void KubeCredentials::Refused() {
  const std::lock_guard lock(mutex_);
  read_at_ = -absl::InfiniteDuration();
}

}  // namespace ocellus::coordinator
