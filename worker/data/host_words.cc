#include "worker/data/host_words.h"

#include <algorithm>

namespace ocellus::data {

HostWords::Part HostWords::Take(int64_t count) {
  constexpr size_t kWordBytes = 4;
  const std::lock_guard lock(mutex_);
  if (count > room_) {
    const int64_t words = std::max(count, piece_);
    pieces_.push_back({allocate_(words * kWordBytes)});
    room_ = words;
  }
  Piece& last = pieces_.back();
  const Part part{last.memory.get() + last.words * kWordBytes, taken_};
  last.words += count;
  room_ -= count;
  taken_ += count;
  return part;
}

}  // namespace ocellus::data
