#include "worker/data/read_ahead.h"

#include <algorithm>
#include <utility>

namespace ocellus::data {

ReadAhead::ReadAhead(Fetch fetch, int connections, int64_t samples, int64_t bytes_max)
    : fetch_(std::move(fetch)), samples_(samples), bytes_max_(bytes_max) {
  const int64_t threads = std::min<int64_t>(connections, samples);
  for (int64_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
}

ReadAhead::~ReadAhead() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

int64_t ReadAhead::BytesOf(const Sample& sample) {
  return static_cast<int64_t>(sample.image.size() + sample.caption.size() + sample.mask.size());
}

size_t ReadAhead::Expect(std::span<const int64_t> indices) {
  std::lock_guard lock(mutex_);
  if (static_cast<int64_t>(entries_.size() + indices.size()) > samples_) ForgetStale();
  size_t accepted = 0;
  for (const int64_t index : indices) {
    const bool known = entries_.contains(index);
    if (!known && static_cast<int64_t>(entries_.size()) >= samples_) break;
    ++accepted;
    if (known) continue;
    entries_[index].since = taken_;
    waiting_.push_back(index);
  }
  work_.notify_all();
  return accepted;
}

// What nobody took while a whole window went by was expected by a reader that is gone.
void ReadAhead::ForgetStale() {
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const Entry& seen = entry->second;
    if (seen.state == State::kUnderWay || taken_ - seen.since <= 2 * samples_) {
      ++entry;
      continue;
    }
    if (seen.state == State::kDone) bytes_ -= BytesOf(seen.sample);
    entry = entries_.erase(entry);
  }
}

std::optional<Sample> ReadAhead::Take(int64_t index) {
  std::unique_lock lock(mutex_);
  ++taken_;
  const auto found = entries_.find(index);
  if (found == entries_.end() || found->second.state == State::kWaits) {
    if (found != entries_.end()) entries_.erase(found);
    return std::nullopt;
  }
  done_.wait(lock, [&] {
    const auto entry = entries_.find(index);
    return entry == entries_.end() || entry->second.state != State::kUnderWay;
  });
  auto taken = entries_.extract(index);
  // Another thread wanted the same one.
  if (taken.empty() || taken.mapped().state != State::kDone) return std::nullopt;
  Entry& entry = taken.mapped();
  bytes_ -= BytesOf(entry.sample);
  lock.unlock();
  work_.notify_all();
  done_.notify_all();
  if (entry.failure) std::rethrow_exception(entry.failure);
  return std::move(entry.sample);
}

void ReadAhead::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [&] { return stop_ || (!waiting_.empty() && bytes_ < bytes_max_); });
    if (stop_) return;
    const int64_t index = waiting_.front();
    waiting_.pop_front();
    const auto found = entries_.find(index);
    if (found == entries_.end() || found->second.state != State::kWaits) continue;
    found->second.state = State::kUnderWay;
    lock.unlock();
    Sample sample;
    std::exception_ptr failure;
    try {
      sample = fetch_(index);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    Entry& entry = entries_.at(index);  // under way, so nobody removed it
    entry.state = State::kDone;
    entry.sample = std::move(sample);
    entry.failure = failure;
    bytes_ += BytesOf(entry.sample);
    done_.notify_all();
  }
}

}  // namespace ocellus::data
