#include "kernels/column_sum.h"

#include <gtest/gtest.h>

#include "tests/kernels/arrays.h"

namespace ocellus::kernels {
namespace {

void Check(int64_t rows, int64_t width, Element type) {
  Array x = Array::Normal(rows * width, 1, type), out(width);
  Array scratch(ColumnSumScratch(rows, width));
  cpu::ColumnSum({.rows = rows,
                  .width = width,
                  .x = x.data(),
                  .type = type,
                  .out = out.floats(),
                  .scratch = scratch.floats()},
                 Serially);
  std::vector<double> exact(width);
  for (int64_t i = 0; i < rows * width; ++i) exact[i % width] += x.At(i);
  ExpectNear(out, exact, 1e-5, "sums");
}

TEST(ColumnSumTest, AddsRows) {
  for (const Element type : {Element::kFloat32, Element::kBFloat16}) {
    Check(1, 1, type);
    Check(31, 5, type);
    Check(100, 48, type);
    Check(600, 33, type);
  }
}

TEST(ColumnSumTest, PartsCoverAllRowsOnce) {
  for (const int64_t rows :
       {int64_t{1}, int64_t{33}, int64_t{16896}, int64_t{16897}, int64_t{99999}}) {
    const int64_t parts = PartCount(rows);
    EXPECT_LE(parts, kPartsMax);
    EXPECT_EQ(PartBegin(rows, parts, 0), 0);
    EXPECT_EQ(PartBegin(rows, parts, parts), rows);
    for (int64_t p = 0; p < parts; ++p) {
      EXPECT_LT(PartBegin(rows, parts, p), PartBegin(rows, parts, p + 1));
    }
  }
}

}  // namespace
}  // namespace ocellus::kernels
