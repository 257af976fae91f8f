#include "coordinator/base/beacon.h"

namespace ocellus::coordinator {

int64_t Beacon::Seen() const {
  std::lock_guard lock(mutex_);
  return changes_;
}

void Beacon::Notify() {
  {
    std::lock_guard lock(mutex_);
    ++changes_;
  }
  changed_.notify_all();
}

int64_t Beacon::Wait(int64_t seen, absl::Duration timeout) const {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, absl::ToChronoMilliseconds(timeout),
                    [&] { return closed_ || changes_ != seen; });
  return changes_;
}

void Beacon::Close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

bool Beacon::closed() const {
  std::lock_guard lock(mutex_);
  return closed_;
}

}  // namespace ocellus::coordinator
