// Small calls to the store that nobody waits for: an outage must not hold up the loop.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace ocellus::trainer {

// One thread, in order. Thread-safe.
class Errands {
 public:
  // More that wait are refused, so that an outage fills no memory.
  static constexpr size_t kWaitingMax = 64;

  Errands() = default;
  ~Errands();  // as Finish
  Errands(const Errands&) = delete;
  Errands& operator=(const Errands&) = delete;

  // `errand` handles its own faults. False when too many wait.
  bool Do(std::function<void()> errand);
  // Returns when all are done.
  void Finish();

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool busy_ = false;
  bool ending_ = false;
  std::thread thread_;  // from the first errand on
};

}  // namespace ocellus::trainer
