// The functions that -fsanitize=thread has compiled code call before each access, for the checks of
// the emulation instead of ThreadSanitizer's. Files of this emulation alone are compiled so, and
// the program is not linked with ThreadSanitizer.
#include <cstddef>

#include "tests/support/cuda_emulation/emulation.h"

#define OCELLUS_HOOKS(bytes)                                                           \
  void __tsan_read##bytes(void* at) { emulation::OnRead(at, bytes, true); }            \
  void __tsan_write##bytes(void* at) { emulation::OnWrite(at, bytes, true); }          \
  void __tsan_unaligned_read##bytes(void* at) { emulation::OnRead(at, bytes, false); } \
  void __tsan_unaligned_write##bytes(void* at) { emulation::OnWrite(at, bytes, false); }

extern "C" {
OCELLUS_HOOKS(1)
OCELLUS_HOOKS(2)
OCELLUS_HOOKS(4)
OCELLUS_HOOKS(8)
OCELLUS_HOOKS(16)
void __tsan_read_range(void* at, size_t bytes) { emulation::OnRead(at, bytes, false); }
void __tsan_write_range(void* at, size_t bytes) { emulation::OnWrite(at, bytes, false); }
void __tsan_init() {}
void __tsan_func_entry(void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_read(void**) {}
void __tsan_vptr_update(void**, void*) {}
// Of the C++ library's own counts and guards, which kernels do not use.
int __tsan_atomic32_fetch_add(volatile int* at, int value, int) {
  return __atomic_fetch_add(at, value, __ATOMIC_SEQ_CST);
}
int __tsan_atomic32_fetch_sub(volatile int* at, int value, int) {
  return __atomic_fetch_sub(at, value, __ATOMIC_SEQ_CST);
}
char __tsan_atomic8_load(const volatile char* at, int) {
  return __atomic_load_n(at, __ATOMIC_ACQUIRE);
}
}
