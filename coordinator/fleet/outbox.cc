#include "coordinator/fleet/outbox.h"

#include <utility>

namespace ocellus::coordinator {

bool Outbox::Push(v1::SessionResponse order) {
  {
    std::lock_guard lock(mutex_);
    if (closed_ || orders_.size() >= kOutboxOrdersMax) {
      return false;
    }
    orders_.push_back(std::move(order));
  }
  changed_.notify_one();
  return true;
}

std::optional<v1::SessionResponse> Outbox::Pop() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return closed_ || !orders_.empty(); });
  if (closed_) {
    return std::nullopt;
  }
  v1::SessionResponse order = std::move(orders_.front());
  orders_.pop_front();
  return order;
}

void Outbox::Close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

bool Outbox::closed() const {
  std::lock_guard lock(mutex_);
  return closed_;
}

}  // namespace ocellus::coordinator
