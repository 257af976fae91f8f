#include "tests/kernels/arrays.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <random>

#include "tests/support/cuda_emulation/access_checker.h"

namespace ocellus::kernels {
namespace {

int64_t BytesOf(Element type) { return type == Element::kBFloat16 ? 2 : 4; }

}  // namespace

float ToFloat(BFloat16 value) {
  const uint32_t bits = uint32_t{value.bits} << 16;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}

BFloat16 ToBFloat16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value)) return {0x7fc0};
  return {static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

Array::Array(int64_t size, Element type)
    : size_(size), type_(type), bytes_(new unsigned char[size * BytesOf(type)]) {
  std::memset(bytes_.get(), 0xff, size * BytesOf(type));
  emulation::Checker().Allow(bytes_.get(), size * BytesOf(type), BytesOf(type));
}

void Array::Free::operator()(unsigned char* bytes) const {
  emulation::Checker().Forbid(bytes);
  delete[] bytes;
}

Array Array::Normal(int64_t size, uint64_t seed, Element type) {
  std::mt19937_64 random(seed);
  std::normal_distribution<float> normal;
  Array array(size, type);
  for (int64_t i = 0; i < size; ++i) array.Set(i, normal(random));
  return array;
}

float* Array::floats() {
  EXPECT_EQ(type_, Element::kFloat32);
  return reinterpret_cast<float*>(bytes_.get());
}

float Array::At(int64_t i) const {
  if (type_ == Element::kBFloat16) {
    return ToFloat(reinterpret_cast<const BFloat16*>(bytes_.get())[i]);
  }
  return reinterpret_cast<const float*>(bytes_.get())[i];
}

void Array::Set(int64_t i, float value) {
  if (type_ == Element::kBFloat16) {
    reinterpret_cast<BFloat16*>(bytes_.get())[i] = ToBFloat16(value);
  } else {
    reinterpret_cast<float*>(bytes_.get())[i] = value;
  }
}

void ExpectNear(const Array& a, const std::vector<double>& b, double tolerance,
                const std::string& what) {
  ASSERT_EQ(a.size(), static_cast<int64_t>(b.size())) << what;
  for (int64_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(a.At(i) - b[i]);
    ASSERT_TRUE(difference <= tolerance * std::max(1.0, std::abs(b[i])))
        << what << "[" << i << "] is " << a.At(i) << ", not " << b[i];
  }
}

void ExpectNear(const Array& a, const Array& b, double tolerance, const std::string& what) {
  std::vector<double> values(b.size());
  for (int64_t i = 0; i < b.size(); ++i) values[i] = b.At(i);
  ExpectNear(a, values, tolerance, what);
}

}  // namespace ocellus::kernels
