// The threads that serve connections of the page. When all are busy and enough connections wait, no
// more are accepted: the kernel's queue fills, which costs others nothing.
#pragma once

#include <httplib.h>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace ocellus::coordinator {

class BoundedPool final : public httplib::TaskQueue {
 public:
  BoundedPool(size_t threads, size_t waiting_max);

  // Waits while too many wait.
  void enqueue(std::function<void()> task) override;
  // Ends once what was taken is done.
  void shutdown() override;

 private:
  void Serve();

  const size_t waiting_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace ocellus::coordinator
