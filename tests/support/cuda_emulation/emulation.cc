#include "tests/support/cuda_emulation/emulation.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "tests/support/cuda_emulation/machine.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

namespace emulation {

Machine& machine() {
  static Machine instance;
  return instance;
}

[[noreturn]] void Fail(const char* what) {
  const Position& at = machine().position;
  std::fprintf(stderr, "CUDA emulation: %s (block %u, %u, thread %u)\n", what, at.block.x,
               at.block.y, at.thread.x);
  std::abort();
}

namespace {

constexpr size_t kThreadsMax = 1024;
constexpr size_t kSharedBytesMax = 48 << 10;  // what a launch has without asking for more
constexpr unsigned kGridYMax = 65535;

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

}  // namespace

void ToScheduler(Waits reason) {
  Machine& m = machine();
  Fiber& fiber = Current();
  fiber.waits = reason;
  m.in_kernel = false;
  void* fake = nullptr;
  BeforeSwitch(reason == Waits::kDone ? nullptr : &fake, m.scheduler_stack,
               m.scheduler_stack_bytes);
  swapcontext(&fiber.context, &m.scheduler);
  AfterSwitch(fake, nullptr, nullptr);
  m.in_kernel = true;
}

namespace {

void Entry() {
  Machine& m = machine();
  AfterSwitch(nullptr, &m.scheduler_stack, &m.scheduler_stack_bytes);
  m.in_kernel = true;
  m.body.run(m.body.captured);
  ToScheduler(Waits::kDone);
}

void Resume(size_t index) {
  Machine& m = machine();
  m.running = index;
  m.position.thread = Current().thread;
  Checker().SetStack(Current().stack.get(), kStackBytes);
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
    for (const Waits waits : {Waits::kWarp, Waits::kShuffle}) {
      if (Count(begin, end, waits) != end - begin) continue;
      if (waits == Waits::kWarp) Checker().PassWarpBarrier(static_cast<unsigned>(begin / kWarp));
      Release(begin, end);
      passed = true;
    }
  }
  if (Count(0, threads, Waits::kBlock) == threads) {
    Checker().PassBlockBarrier();
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
  Checker().BeginBlock(m.fibers.size());
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

bool ChecksAccesses() {
#ifdef __SANITIZE_ADDRESS__
  return false;
#else
  return true;
#endif
}

void Launch(dim3 grid, dim3 block, size_t dynamic_bytes, const Body& body) {
  Machine& m = machine();
  const size_t blocks = size_t{grid.x} * grid.y * grid.z, threads = size_t{block.x} * block.y;
  if (blocks == 0 || threads == 0 || threads > kThreadsMax || grid.y > kGridYMax ||
      dynamic_bytes > kSharedBytesMax) {
    m.error = cudaErrorInvalidConfiguration;
    return;
  }
  m.body = body;
  m.dynamic_shared = std::make_unique<SharedMemory>(dynamic_bytes);
  m.position.block_size = block;
  m.position.grid_size = grid;
  Checker().BeginLaunch(body.captured, body.captured_bytes);
  for (size_t i = 0; i < blocks; ++i) {
    const int64_t x = i % grid.x, y = i / grid.x % grid.y, z = i / grid.x / grid.y;
    m.position.block = dim3(x, y, z);
    RunBlock(block);
  }
  m.dynamic_shared.reset();
}

dim3 ThreadIndex() { return machine().position.thread; }
dim3 BlockIndex() { return machine().position.block; }
dim3 BlockSize() { return machine().position.block_size; }
dim3 GridSize() { return machine().position.grid_size; }

void WaitForBlock() { ToScheduler(Waits::kBlock); }

void WaitForWarp() { ToScheduler(Waits::kWarp); }

void* NewStaticSharedMemory(size_t bytes) {
  machine().static_shared.push_back(std::make_unique<SharedMemory>(bytes));
  return machine().static_shared.back()->data();
}

void* DynamicSharedMemory() { return machine().dynamic_shared->data(); }

}  // namespace emulation

cudaError_t cudaGetLastError() {
  emulation::Machine& m = emulation::machine();
  return std::exchange(m.error, cudaSuccess);
}
