// The emulated multiprocessor, for the emulation's own files: the fibers of one block, and what
// they share.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "tests/support/cuda_emulation/access_checker.h"
#include "tests/support/cuda_emulation/emulation.h"

namespace emulation {

constexpr size_t kStackBytes = 64 << 10;
constexpr unsigned kWarp = 32;

enum class Waits { kNothing, kBlock, kWarp, kShuffle, kDone };

// The thread that runs now.
struct Position {
  dim3 thread, block, block_size, grid_size;
};

struct Fiber {
  ucontext_t context;
  std::unique_ptr<char[]> stack = std::make_unique<char[]>(kStackBytes);
  dim3 thread;
  Waits waits = Waits::kNothing;
  uint64_t given = 0;  // to a shuffle
};

// Shared memory of one array, allocated to the byte.
class SharedMemory {
 public:
  explicit SharedMemory(size_t bytes) : size_(bytes), bytes_(new unsigned char[bytes]) {
    Checker().Allow(data(), bytes, 2);
    Poison();
  }
  ~SharedMemory() { Checker().Forbid(data()); }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  void* data() { return bytes_.get(); }
  void Poison() {
    std::fill_n(bytes_.get(), size_, 0xff);  // NaN
    Checker().Forget(data());
  }

 private:
  size_t size_;
  std::unique_ptr<unsigned char[]> bytes_;
};

struct Machine {
  std::mt19937_64 random;
  ucontext_t scheduler;
  std::vector<std::unique_ptr<Fiber>> fibers;
  size_t running = 0;
  Position position;
  Body body = {};
  bool in_kernel = false;  // rather than in the emulation
  cudaError_t error = cudaSuccess;
  std::vector<std::unique_ptr<SharedMemory>> static_shared;
  std::unique_ptr<SharedMemory> dynamic_shared;
  void* fake_stack = nullptr;  // AddressSanitizer's, of the scheduler
  const void* scheduler_stack = nullptr;
  size_t scheduler_stack_bytes = 0;
};

Machine& machine();

// Ends the process with a message that names the running thread.
[[noreturn]] void Fail(const char* what);

inline Fiber& Current() { return *machine().fibers[machine().running]; }

// Lets other threads run until what the running one waits for has come.
void ToScheduler(Waits reason);

}  // namespace emulation
