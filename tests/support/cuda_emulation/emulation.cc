#include "tests/support/cuda_emulation/emulation.h"

#include <ucontext.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

namespace emulation {
namespace {

constexpr size_t kStackBytes = 64 << 10;
constexpr unsigned kWarp = 32;

enum class Waits { kNothing, kBlock, kWarp, kDone };

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
  explicit SharedMemory(size_t bytes) : size_(bytes), bytes_(new unsigned char[bytes]) { Poison(); }
  void* data() { return bytes_.get(); }
  void Poison() { std::fill_n(bytes_.get(), size_, 0xff); }  // NaN

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
  const std::function<void()>* body = nullptr;
  std::vector<std::unique_ptr<SharedMemory>> static_shared;
  std::unique_ptr<SharedMemory> dynamic_shared;
  void* fake_stack = nullptr;  // AddressSanitizer's, of the scheduler
  const void* scheduler_stack = nullptr;
  size_t scheduler_stack_bytes = 0;
};

Machine& machine() {
  static Machine instance;
  return instance;
}

[[noreturn]] void Fail(const char* what) {
  const Position& at = machine().position;
  std::fprintf(stderr, "CUDA emulation: %s (block %u, %u)\n", what, at.block.x, at.block.y);
  std::abort();
}

// AddressSanitizer must know on which stack the program runs.
void BeforeSwitch([[maybe_unused]] void** save, [[maybe_unused]] const void* stack,
                  [[maybe_unused]] size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_start_switch_fiber(save, stack, bytes);
#endif
}

void AfterSwitch([[maybe_unused]] void* saved, [[maybe_unused]] const void** old_stack,
                 [[maybe_unused]] size_t* old_bytes) {
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_finish_switch_fiber(saved, old_stack, old_bytes);
#endif
}

Fiber& Current() { return *machine().fibers[machine().running]; }

void ToScheduler(Waits reason) {
  Machine& m = machine();
  Fiber& fiber = Current();
  fiber.waits = reason;
  void* fake = nullptr;
  BeforeSwitch(reason == Waits::kDone ? nullptr : &fake, m.scheduler_stack,
               m.scheduler_stack_bytes);
  swapcontext(&fiber.context, &m.scheduler);
  AfterSwitch(fake, nullptr, nullptr);
}

void Entry() {
  Machine& m = machine();
  AfterSwitch(nullptr, &m.scheduler_stack, &m.scheduler_stack_bytes);
  (*m.body)();
  ToScheduler(Waits::kDone);
}

void Resume(size_t index) {
  Machine& m = machine();
  m.running = index;
  m.position.thread = Current().thread;
  BeforeSwitch(&m.fake_stack, Current().stack.get(), kStackBytes);
  swapcontext(&m.scheduler, &Current().context);
  AfterSwitch(m.fake_stack, nullptr, nullptr);
}

void StartFibers(dim3 block) {
  Machine& m = machine();
  const size_t threads = size_t{block.x} * block.y * block.z;
  if (block.y != 1 || block.z != 1) Fail("blocks of more than one dimension are not emulated");
  while (m.fibers.size() < threads) m.fibers.push_back(std::make_unique<Fiber>());
  m.fibers.resize(threads);
  for (size_t i = 0; i < threads; ++i) {
    Fiber& fiber = *m.fibers[i];
    fiber.thread = dim3(static_cast<int64_t>(i), 0, 0);
    fiber.waits = Waits::kNothing;
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = fiber.stack.get();
    fiber.context.uc_stack.ss_size = kStackBytes;
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, Entry, 0);
  }
}

size_t Count(size_t begin, size_t end, Waits waits) {
  const auto& fibers = machine().fibers;
  return std::count_if(fibers.begin() + begin, fibers.begin() + end,
                       [&](const auto& fiber) { return fiber->waits == waits; });
}

void Release(size_t begin, size_t end) {
  for (size_t i = begin; i < end; ++i) machine().fibers[i]->waits = Waits::kNothing;
}

// Lets warps and the block pass barriers that all have reached. Returns whether any could.
bool PassBarriers() {
  const size_t threads = machine().fibers.size();
  bool passed = false;
  for (size_t begin = 0; begin < threads; begin += kWarp) {
    const size_t end = std::min(threads, begin + kWarp);
    if (Count(begin, end, Waits::kWarp) == end - begin) {
      Release(begin, end);
      passed = true;
    }
  }
  if (Count(0, threads, Waits::kBlock) == threads) {
    Release(0, threads);
    passed = true;
  }
  return passed;
}

void RunBlock(dim3 block) {
  Machine& m = machine();
  for (const auto& memory : m.static_shared) memory->Poison();
  m.dynamic_shared->Poison();
  StartFibers(block);
  std::vector<size_t> order(m.fibers.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  while (Count(0, order.size(), Waits::kDone) < order.size()) {
    std::shuffle(order.begin(), order.end(), m.random);
    bool ran = false;
    for (const size_t i : order) {
      if (m.fibers[i]->waits != Waits::kNothing) continue;
      Resume(i);
      ran = true;
    }
    if (!PassBarriers() && !ran) {
      Fail("threads wait at different barriers, or for one that has returned");
    }
  }
}

}  // namespace

void SetSeed(uint64_t seed) { machine().random.seed(seed); }

void Launch(dim3 grid, dim3 block, size_t dynamic_bytes, const std::function<void()>& body) {
  Machine& m = machine();
  m.body = &body;
  m.dynamic_shared = std::make_unique<SharedMemory>(dynamic_bytes);
  m.position.block_size = block;
  m.position.grid_size = grid;
  for (unsigned y = 0; y < grid.y; ++y) {
    for (unsigned x = 0; x < grid.x; ++x) {
      m.position.block = dim3(x, y, 0);
      RunBlock(block);
    }
  }
  m.dynamic_shared.reset();
}

const Position& Here() { return machine().position; }

void WaitForBlock() { ToScheduler(Waits::kBlock); }

void WaitForWarp() { ToScheduler(Waits::kWarp); }

uint64_t Exchange(uint64_t value, unsigned from) {
  const size_t self = machine().running, source = self / kWarp * kWarp + from;
  if (source >= machine().fibers.size()) Fail("a shuffle reads a lane that is not there");
  Current().given = value;
  WaitForWarp();
  const uint64_t taken = machine().fibers[source]->given;
  WaitForWarp();
  return taken;
}

void* NewStaticSharedMemory(size_t bytes) {
  machine().static_shared.push_back(std::make_unique<SharedMemory>(bytes));
  return machine().static_shared.back()->data();
}

void* DynamicSharedMemory() { return machine().dynamic_shared->data(); }

}  // namespace emulation
