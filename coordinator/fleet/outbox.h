// Orders waiting for one agent's stream. Orders are derived again from the state until the agent's
// reports show that they were followed, so one that is lost does no harm. Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

#include "ocellus/v1/worker.pb.h"

namespace ocellus::coordinator {

inline constexpr size_t kOutboxOrdersMax = 1024;

class Outbox {
 public:
  // False when it is closed, or full because the agent does not read: then the stream should end.
  bool Push(v1::SessionResponse order);
  // Waits for the next order; nothing once closed.
  std::optional<v1::SessionResponse> Pop();
  void Close();
  bool closed() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<v1::SessionResponse> orders_;
  bool closed_ = false;
};

}  // namespace ocellus::coordinator
