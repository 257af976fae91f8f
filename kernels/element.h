// The element types that kernels read and write. Everything is computed in fp32.
#pragma once

#include <cstdint>

namespace ocellus::kernels {

enum class Element { kFloat32, kBFloat16 };

// The upper half of a float's bits. Same layout as c10::BFloat16 and __nv_bfloat16.
struct BFloat16 {
  uint16_t bits;
};

}  // namespace ocellus::kernels
