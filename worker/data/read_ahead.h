// Samples that will be asked for soon, fetched by threads of its own so that a slow server's
// answers overlap.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "worker/data/dataset.h"

namespace ocellus::data {

// Thread-safe.
class ReadAhead {
 public:
  using Fetch = std::function<Sample(int64_t index)>;

  // `fetch` is called by `connections` threads. At most `samples` are expected at a time, and
  // `bytes_max` are held (and what the threads are at).
  ReadAhead(Fetch fetch, int connections, int64_t samples, int64_t bytes_max = 256 << 20);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;

  int64_t samples() const { return samples_; }

  // In the order in which they will be taken. How many of them were accepted: the rest does not
  // fit now.
  size_t Expect(std::span<const int64_t> indices);

  // The sample if it is expected and fetched, waiting while that is under way; throws what fetching
  // it threw. Nothing when the caller must fetch it.
  std::optional<Sample> Take(int64_t index);

 private:
  enum class State { kWaits, kUnderWay, kDone };
  struct Entry {
    State state = State::kWaits;
    int64_t since = 0;  // taken_ when it came
    Sample sample;
    std::exception_ptr failure;
  };

  void Work();
  void ForgetStale();  // REQUIRES: mutex_ is held
  static int64_t BytesOf(const Sample& sample);

  const Fetch fetch_;
  const int64_t samples_;
  const int64_t bytes_max_;
  std::mutex mutex_;
  std::condition_variable work_;      // there is something to fetch, and room; or stop
  std::condition_variable done_;      // a fetch has ended
  std::map<int64_t, Entry> entries_;  // guarded by mutex_
  std::deque<int64_t> waiting_;       // guarded by mutex_; may name entries that are gone
  int64_t bytes_ = 0;                 // guarded by mutex_; of the done ones
  int64_t taken_ = 0;                 // guarded by mutex_; calls of Take
  bool stop_ = false;                 // guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace ocellus::data
