#include "models/ops/memory.h"

#include <malloc.h>

#include <limits>

namespace ocellus::models::ops {

void KeepFreedMemory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);                                      // large arrays from the heap as well
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());  // whose end is never given back
  mallopt(M_TOP_PAD, 64 << 20);
#endif
}

}  // namespace ocellus::models::ops
