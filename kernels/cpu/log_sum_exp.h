// log sum e^x of a row, whatever the size of its numbers.
#pragma once

#include <cmath>
#include <limits>

#include "kernels/cpu/vector.h"

namespace ocellus::kernels::cpu {
namespace {

// load(j, count): the numbers from j on as a Vec, of which `count` count, at least one.
template <class LoadAt>
float LogSumExp(int64_t size, const LoadAt& load) {
  constexpr float kLowest = -std::numeric_limits<float>::infinity();
  constexpr VecInt kIndex = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  Vec highest = Splat(kLowest);
  for (int64_t j = 0; j < size; j += kLanes) {
    const Vec part = load(j, size - j);
    highest = Max(highest, kIndex < static_cast<int32_t>(size - j) ? part : Splat(kLowest));
  }
  const float shift = MaxLane(highest);
  Vec sum{};
  for (int64_t j = 0; j < size; j += kLanes) {
    sum += KeepFirst(Exp(load(j, size - j) - shift), size - j);
  }
  return shift + std::log(Sum(sum));
}

}  // namespace
}  // namespace ocellus::kernels::cpu
