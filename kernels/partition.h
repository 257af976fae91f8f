// How rows are cut into parts whose partial sums are added in a fixed order. The cut depends on the
// number of rows alone, so a result is the same for any number of threads or blocks in flight.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>

namespace ocellus::kernels {

// Runs body(0) ... body(tasks - 1), in any order and on any threads, and returns when all are done.
using ParallelFor = std::function<void(int64_t tasks, const std::function<void(int64_t)>& body)>;

// The simplest ParallelFor: in order, on the caller's thread.
inline void Serially(int64_t tasks, const std::function<void(int64_t)>& body) {
  for (int64_t i = 0; i < tasks; ++i) body(i);
}

constexpr int64_t kRowsPerPart = 32;
constexpr int64_t kPartsMax = 528;  // four blocks for each multiprocessor of a 132-SM device

inline int64_t PartCount(int64_t rows) {
  return std::clamp<int64_t>((rows + kRowsPerPart - 1) / kRowsPerPart, 1, kPartsMax);
}

// Part p has the rows [PartBegin(p), PartBegin(p + 1)).
inline int64_t PartBegin(int64_t rows, int64_t parts, int64_t p) { return rows * p / parts; }

// Runs body(0) ... body(rows - 1), a part a task.
template <class Row>
void ForEachRow(int64_t rows, const ParallelFor& parallel, const Row& body) {
  const int64_t parts = PartCount(rows);
  parallel(parts, [&](int64_t p) {
    const int64_t end = PartBegin(rows, parts, p + 1);
    for (int64_t i = PartBegin(rows, parts, p); i < end; ++i) body(i);
  });
}

}  // namespace ocellus::kernels
