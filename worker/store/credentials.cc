#include "worker/store/credentials.h"

#include <utility>

#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

constexpr time_t kRefreshBeforeS = 300;
constexpr time_t kRefreshRetryS = 10;

}  // namespace

CredentialChain::CredentialChain(std::vector<CredentialSource> sources, const Clock* clock)
    : sources_(std::move(sources)), clock_(clock) {}

std::optional<Credentials> CredentialChain::Ask() const {
  for (const CredentialSource& source : sources_) {
    if (auto found = source()) return found;
  }
  return std::nullopt;
}

Credentials CredentialChain::Get() {
  const std::lock_guard lock(mutex_);
  const time_t now = clock_->WallTime();
  const bool ends_soon =
      current_ && current_->expires && *current_->expires - now < kRefreshBeforeS;
  if (current_ && (!ends_soon || now < next_try_)) return *current_;
  const bool still_good = current_ && *current_->expires > now;
  try {
    if (auto found = Ask()) {
      current_ = std::move(found);
      // A source that hands out short ones is not asked for each request.
      next_try_ = now + kRefreshRetryS;
      return *current_;
    }
  } catch (const wire::Fault&) {
    if (!still_good) throw;
  }
  if (still_good) {
    next_try_ = now + kRefreshRetryS;
    return *current_;
  }
  throw wire::Fault(wire::FaultClass::kStorage, "NO_CREDENTIALS",
                    "no credentials for S3: not in the environment, a web identity, the profile, "
                    "the container or the instance",
                    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write "
                    "~/.aws/credentials, or give the machine a role");
}

void CredentialChain::Forget(const Credentials& refused) {
  const std::lock_guard lock(mutex_);
  const bool same = current_ && current_->access_key == refused.access_key &&
                    current_->session_token == refused.session_token;
  if (same) current_.reset();
}

}  // namespace ocellus::store
