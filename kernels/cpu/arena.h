// Memory for intermediate results of a task.
#pragma once

#include <cstdint>
#include <memory>

namespace ocellus::kernels::cpu {
namespace {

// Hands out 64-byte aligned arrays of one allocation, uninitialised. One a thread, which keeps it:
// the C library hands memory of such a size back, and fetches it again, at every turn.
class Arena {
 public:
  static Arena& OfThread(int64_t floats) {
    thread_local Arena arena;
    if (arena.size_ < floats) {
      arena.memory_ = std::make_unique_for_overwrite<float[]>(floats);
      arena.size_ = floats;
    }
    return arena;
  }

  template <class Unit>
  Unit* Take(int64_t count) {
    static_assert(sizeof(Unit) == sizeof(float));
    const auto address = reinterpret_cast<uintptr_t>(memory_.get() + taken_);
    taken_ += static_cast<int64_t>((64 - address % 64) % 64 / sizeof(float));
    Unit* array = reinterpret_cast<Unit*>(memory_.get() + taken_);
    taken_ += count;
    return array;
  }

  // All arrays may be overwritten.
  void Reset() { taken_ = 0; }

 private:
  std::unique_ptr<float[]> memory_;
  int64_t size_ = 0;
  int64_t taken_ = 0;
};

}  // namespace
}  // namespace ocellus::kernels::cpu
