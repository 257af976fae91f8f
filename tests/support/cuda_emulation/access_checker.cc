#include "tests/support/cuda_emulation/access_checker.h"

#include <iterator>

// Begin and end of the program, by the linker.
extern "C" const char __executable_start;
extern "C" const char _end;

namespace emulation {
namespace {

constexpr unsigned kWarp = 32;
constexpr char kOutside[] = "access out of bounds: the address is in no array of this kernel";
constexpr char kCaptured[] = "a write to the launch's arguments";
constexpr char kMisaligned[] = "misaligned access: the address is not a multiple of its size";
constexpr char kRace[] = "race: another thread touched the same element with no barrier between";

bool InProgram(uintptr_t at) {
  return at >= reinterpret_cast<uintptr_t>(&__executable_start) &&
         at < reinterpret_cast<uintptr_t>(&_end);
}

}  // namespace

void AccessChecker::Allow(const void* begin, size_t bytes, size_t element) {
  const auto address = reinterpret_cast<uintptr_t>(begin);
  regions_[address] = {
      {address, bytes}, element, std::vector<Element>((bytes + element - 1) / element)};
}

void AccessChecker::Forbid(const void* begin) {
  regions_.erase(reinterpret_cast<uintptr_t>(begin));
  latest_ = nullptr;
}

void AccessChecker::Forget(const void* begin) {
  Region& region = regions_.at(reinterpret_cast<uintptr_t>(begin));
  region.elements.assign(region.elements.size(), {});
}

void AccessChecker::BeginLaunch(const void* captured, size_t bytes) {
  captured_ = {reinterpret_cast<uintptr_t>(captured), bytes};
  launch_first_ = ++now_;
}

void AccessChecker::BeginBlock(size_t threads) {
  block_first_ = ++now_;
  warp_now_.assign((threads + kWarp - 1) / kWarp, 0);
}

void AccessChecker::SetStack(const void* begin, size_t bytes) {
  stack_ = {reinterpret_cast<uintptr_t>(begin), bytes};
}

const char* AccessChecker::Check(const void* at, size_t bytes, Access access, bool aligned,
                                 unsigned thread) {
  const auto address = reinterpret_cast<uintptr_t>(at);
  if (stack_.Has(address, bytes)) return nullptr;
  if (captured_.Has(address, bytes)) return access == Access::kRead ? nullptr : kCaptured;
  Region* region = Find(address, bytes);
  if (!region) return access == Access::kRead && InProgram(address) ? nullptr : kOutside;
  if (aligned && address % bytes != 0) return kMisaligned;
  const Mark mark{now_, warp_now_[thread / kWarp], static_cast<uint16_t>(thread),
                  access == Access::kAtomic};
  const size_t offset = address - region->begin;
  for (size_t i = offset / region->element; i <= (offset + bytes - 1) / region->element; ++i) {
    if (const char* fault = Touch(region->elements[i], mark, access)) return fault;
  }
  return nullptr;
}

AccessChecker::Region* AccessChecker::Find(uintptr_t address, size_t bytes) {
  if (latest_ && latest_->Has(address, bytes)) return latest_;
  const auto after = regions_.upper_bound(address);
  if (after == regions_.begin()) return nullptr;
  Region& region = std::prev(after)->second;
  if (!region.Has(address, bytes)) return nullptr;
  latest_ = &region;
  return latest_;
}

bool AccessChecker::Ordered(const Mark& earlier, const Mark& later) const {
  if (earlier.moment < launch_first_) return true;
  if (earlier.atomic && later.atomic) return true;
  if (earlier.moment < block_first_) return false;  // of another block
  if (earlier.moment < later.moment || earlier.thread == later.thread) return true;
  return earlier.thread / kWarp == later.thread / kWarp && earlier.warp_moment < later.warp_moment;
}

const char* AccessChecker::Touch(Element& element, const Mark& mark, Access access) {
  if (!Ordered(element.write, mark)) return kRace;
  if (access == Access::kRead) {
    Read(element, mark);
    return nullptr;
  }
  const bool read_elsewhere = element.other_block_read >= launch_first_;
  if (read_elsewhere || !Ordered(element.read, mark) || !Ordered(element.other_read, mark)) {
    return kRace;
  }
  element.write = mark;
  return nullptr;
}

void AccessChecker::Read(Element& element, const Mark& mark) {
  if (element.read.moment < block_first_) element.other_block_read = element.read.moment;
  if (Ordered(element.read, mark) || element.read.moment < block_first_) {
    element.read = mark;
  } else {
    element.other_read = mark;
  }
}

AccessChecker& Checker() {
  static auto& checker = *new AccessChecker;  // arrays may outlive every other static
  return checker;
}

}  // namespace emulation
