#include "coordinator/auth/limits.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"

namespace ocellus::coordinator {
namespace {

constexpr double kBurstSeconds = 2;
constexpr size_t kBucketsMax = 10'000;

}  // namespace

absl::Status Limiter::Take(const Caller& caller) {
  switch (caller.kind) {
    case Caller::Kind::kLocal:
      return absl::OkStatus();
    case Caller::Kind::kUser:
      return TakeFrom(caller.Actor(), limits_.user_rate);
    case Caller::Kind::kNode:
      return TakeFrom(caller.Actor(), limits_.node_rate);
    case Caller::Kind::kAnonymous:
      break;
  }
  return TakeAnonymous(caller.peer);
}

absl::Status Limiter::TakeAnonymous(const std::string& address) {
  return TakeFrom(absl::StrCat("anonymous at ", address), limits_.anonymous_rate);
}

absl::Status Limiter::TakeFrom(const std::string& key, double rate) {
  const std::lock_guard lock(mutex_);
  const absl::Duration now = clock_->Monotonic();
  if (buckets_.size() > kBucketsMax) Forget();
  auto [found, is_new] = buckets_.try_emplace(key);
  Bucket& bucket = found->second;
  const double burst = rate * kBurstSeconds;
  const double gained = is_new ? burst : rate * absl::ToDoubleSeconds(now - bucket.filled);
  bucket.level = std::min(burst, bucket.level + gained);
  bucket.filled = now;
  if (bucket.level < 1) {
    return RateLimited(absl::StrCat(key, " may make ", std::lround(rate), " calls a second"),
                       absl::Seconds((1 - bucket.level) / rate));
  }
  bucket.level -= 1;
  return absl::OkStatus();
}

absl::Status Limiter::OpenStream(const Caller& caller) {
  if (caller.kind == Caller::Kind::kLocal) return absl::OkStatus();
  const std::lock_guard lock(mutex_);
  Bucket& bucket = buckets_[caller.Actor()];
  if (bucket.streams >= limits_.streams) {
    return RateLimited(
        absl::StrCat(caller.Actor(), " has ", limits_.streams, " streams open, which is the limit"),
        absl::Seconds(1));
  }
  ++bucket.streams;
  return absl::OkStatus();
}

void Limiter::CloseStream(const Caller& caller) {
  const std::lock_guard lock(mutex_);
  if (const auto found = buckets_.find(caller.Actor()); found != buckets_.end()) {
    found->second.streams = std::max(0, found->second.streams - 1);
  }
}

// Full buckets say nothing that a new one would not.
void Limiter::Forget() {
  const absl::Duration now = clock_->Monotonic();
  for (auto bucket = buckets_.begin(); bucket != buckets_.end();) {
    const bool idle = bucket->second.streams == 0 &&
                      now - bucket->second.filled > absl::Seconds(2 * kBurstSeconds);
    bucket = idle ? buckets_.erase(bucket) : std::next(bucket);
  }
}

}  // namespace ocellus::coordinator
