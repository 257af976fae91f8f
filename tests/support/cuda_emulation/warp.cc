// Accesses, shuffles, votes and atomics of the running thread.
#include <cstdio>
#include <cstdlib>

#include "tests/support/cuda_emulation/machine.h"

namespace emulation {
namespace {

void On(const void* at, size_t bytes, Access access, bool aligned) {
  Machine& m = machine();
  if (!m.in_kernel) return;
  m.in_kernel = false;  // the checks may run code that is compiled with hooks too
  if (const char* fault = Checker().Check(at, bytes, access, aligned, m.position.thread.x)) {
    Fail(fault);
  }
  m.in_kernel = true;
}

}  // namespace

void OnRead(const void* at, size_t bytes, bool aligned) { On(at, bytes, Access::kRead, aligned); }

void OnWrite(const void* at, size_t bytes, bool aligned) { On(at, bytes, Access::kWrite, aligned); }

void ExpectAligned(const void* at, size_t bytes) {
  if (reinterpret_cast<uintptr_t>(at) % bytes != 0) {
    Fail("misaligned access: the address is not a multiple of its size");
  }
}

uint64_t Exchange(uint64_t value, unsigned from) {
  const size_t self = machine().running, source = self / kWarp * kWarp + from;
  if (from >= kWarp || source >= machine().fibers.size()) {
    Fail("a shuffle reads a lane that is not there");
  }
  Current().given = value;
  ToScheduler(Waits::kShuffle);
  const uint64_t taken = machine().fibers[source]->given;
  ToScheduler(Waits::kShuffle);
  return taken;
}

unsigned Ballot(bool mine) {
  const size_t first = machine().running / kWarp * kWarp;
  const size_t lanes = std::min<size_t>(kWarp, machine().fibers.size() - first);
  Current().given = mine ? 1 : 0;
  ToScheduler(Waits::kShuffle);
  unsigned votes = 0;
  for (size_t i = 0; i < lanes; ++i) {
    votes |= static_cast<unsigned>(machine().fibers[first + i]->given) << i;
  }
  ToScheduler(Waits::kShuffle);
  return votes;
}

template <class T>
T AtomicAdd(T* to, T value) {
  On(to, sizeof(T), Access::kAtomic, true);
  const T before = *to;
  *to = before + value;
  return before;
}
template float AtomicAdd(float*, float);
template double AtomicAdd(double*, double);
template int AtomicAdd(int*, int);
template unsigned AtomicAdd(unsigned*, unsigned);

}  // namespace emulation
