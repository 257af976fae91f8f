// Arrays for kernels to read and write: allocated to the element, so that AddressSanitizer and the
// CUDA emulation see an access beyond them, and filled with NaN until written.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/element.h"

namespace ocellus::kernels {

float ToFloat(BFloat16 value);
BFloat16 ToBFloat16(float value);

// Numbers of one element type.
class Array {
 public:
  explicit Array(int64_t size, Element type = Element::kFloat32);

  // Standard normal numbers of a seed, rounded to the type.
  static Array Normal(int64_t size, uint64_t seed, Element type = Element::kFloat32);

  int64_t size() const { return size_; }
  Element type() const { return type_; }
  void* data() { return bytes_.get(); }
  float* floats();  // REQUIRES: kFloat32
  float At(int64_t i) const;
  void Set(int64_t i, float value);

 private:
  int64_t size_;
  Element type_;
  struct Free {
    void operator()(unsigned char* bytes) const;
  };
  std::unique_ptr<unsigned char[], Free> bytes_;
};

// Expects |a - b| <= tolerance * max(1, |b|) for all elements; NaN equals nothing.
void ExpectNear(const Array& a, const Array& b, double tolerance, const std::string& what);
void ExpectNear(const Array& a, const std::vector<double>& b, double tolerance,
                const std::string& what);

}  // namespace ocellus::kernels
