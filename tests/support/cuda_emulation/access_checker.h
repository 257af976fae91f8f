// Which memory kernels may touch, and whether their threads agree on an order of doing so.
//
// Kernels under emulation are compiled with the compiler's thread-sanitizer hooks, and
// access_hooks.cc takes those calls. Every access must lie inside one known region: an array that
// was allowed (device memory), shared memory, the thread's own stack, what the launch captured, or
// the program's constants. Two threads of a launch that touch the same element, at least one of
// them to write it, must have a barrier between them: that of their block, or __syncwarp within a
// warp; between blocks there is none. Atomic accesses may meet each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace emulation {

enum class Access { kRead, kWrite, kAtomic };

class AccessChecker {
 public:
  // Memory whose elements are told apart, of `element` bytes each.
  void Allow(const void* begin, size_t bytes, size_t element);
  void Forbid(const void* begin);
  // As just allocated: nobody has touched it.
  void Forget(const void* begin);

  void BeginLaunch(const void* captured, size_t bytes);
  void BeginBlock(size_t threads);
  void PassBlockBarrier() { ++now_; }
  void PassWarpBarrier(unsigned warp) { ++warp_now_[warp]; }

  // What is wrong with this access of the running thread, or null. `aligned`: the compiler took the
  // address for a multiple of `bytes`, as the device would.
  const char* Check(const void* at, size_t bytes, Access access, bool aligned, unsigned thread);

  // The running thread's local memory.
  void SetStack(const void* begin, size_t bytes);

 private:
  // When and by whom. Moments of all launches, blocks and barriers are in one row.
  struct Mark {
    uint32_t moment = 0;  // 0: never
    uint32_t warp_moment = 0;
    uint16_t thread = 0;
    bool atomic = false;
  };
  struct Element {
    Mark write, read, other_read;   // the reads of two threads: a writer is neither or one of them
    uint32_t other_block_read = 0;  // the last moment of a read by an earlier block
  };
  struct Range {
    uintptr_t begin = 0;
    size_t bytes = 0;
    bool Has(uintptr_t at, size_t count) const {
      return at >= begin && at + count <= begin + bytes;
    }
  };
  struct Region : Range {
    size_t element = 1;
    std::vector<Element> elements;
  };

  Region* Find(uintptr_t address, size_t bytes);
  bool Ordered(const Mark& earlier, const Mark& later) const;
  const char* Touch(Element& element, const Mark& mark, Access access);
  void Read(Element& element, const Mark& mark);

  std::map<uintptr_t, Region> regions_;
  Region* latest_ = nullptr;
  Range stack_, captured_;
  uint32_t now_ = 1, launch_first_ = 1, block_first_ = 1;
  std::vector<uint32_t> warp_now_;
};

// The checker of all launches; arrays that kernels use are allowed here.
AccessChecker& Checker();

}  // namespace emulation
