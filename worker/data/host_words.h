// Host memory for as many words as a batch turns out to need: its images' sizes are known only one
// by one. It comes in pieces, so that words are written once, where they stay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace ocellus::data {

// Allocates `bytes` for any plain type; pinned memory on a GPU machine.
using Allocate = std::function<std::shared_ptr<std::byte[]>(size_t bytes)>;

// Thread-safe.
class HostWords {
 public:
  struct Piece {
    std::shared_ptr<std::byte[]> memory;
    int64_t words = 0;  // of 32 bits, in use from its first one on
  };
  struct Part {
    std::byte* memory = nullptr;
    int64_t begin = 0;  // words of earlier parts
  };

  // A piece has `piece` words or, for a part that is larger, that part.
  HostWords(Allocate allocate, int64_t piece) : allocate_(std::move(allocate)), piece_(piece) {}

  // `count` (> 0) words of their own, all in one piece. Throws what the allocation throws.
  Part Take(int64_t count);

  // One after the other they hold every part at its `begin`. Once nobody takes any more.
  const std::vector<Piece>& pieces() const { return pieces_; }

 private:
  const Allocate allocate_;
  const int64_t piece_;
  std::mutex mutex_;  // guards what follows
  std::vector<Piece> pieces_;
  int64_t room_ = 0;   // words that the last piece has left
  int64_t taken_ = 0;  // words of all parts
};

}  // namespace ocellus::data
