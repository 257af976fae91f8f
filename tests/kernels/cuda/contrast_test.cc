// The CUDA source of the contrastive passes, emulated, against their CPU twins.
#include "kernels/contrast.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/kernels/contrast_cases.h"
#include "tests/support/cuda_emulation/emulation.h"

namespace ocellus::kernels {
namespace {

void CheckSoftmax(int64_t rows, int64_t columns, int64_t first, float scale, bool by_column) {
  ContrastCase cpu(rows, columns, first, scale, true, 1);
  ContrastCase cuda(rows, columns, first, scale, true, 1);
  for (int tile = 0; tile < 2; ++tile) {
    cpu::ContrastStatistics(cpu.Statistics(by_column), Serially);
    cuda::ContrastStatistics(cuda.Statistics(by_column), nullptr);
  }
  ExpectNear(cuda.row_lse, cpu.row_lse, 2e-6, "row");
  ExpectNear(cuda.partner, cpu.partner, 2e-6, "partner");
  if (by_column) {
    ExpectNear(cuda.column_max, cpu.column_max, 2e-6, "column_max");
    ExpectNear(cuda.column_sum, cpu.column_sum, 4e-6, "column_sum");
  }
  for (ContrastCase* c : {&cpu, &cuda}) {
    for (int64_t i = 0; i < rows; ++i) c->row_lse.Set(i, cpu.row_lse.At(i));
    for (int64_t j = 0; j < columns; ++j) c->column_sum.Set(j, 2 * scale);
  }
  cpu::ContrastGradient(cpu.Gradient(by_column), Serially);
  cuda::ContrastGradient(cuda.Gradient(by_column), nullptr);
  ExpectNear(cuda.products, cpu.products, 4e-6, "d");
  ExpectNear(cuda.d_scale, cpu.d_scale, 2e-5, "d_scale");
}

void CheckSigmoid(int64_t rows, int64_t columns, int64_t first, float scale) {
  ContrastCase cpu(rows, columns, first, scale, true, 2);
  ContrastCase cuda(rows, columns, first, scale, true, 2);
  cpu::SigmoidContrast(cpu.Sigmoid(), Serially);
  cuda::SigmoidContrast(cuda.Sigmoid(), nullptr);
  ExpectNear(cuda.products, cpu.products, 2e-6, "d");
  ExpectNear(cuda.loss, cpu.loss, 4e-6, "loss");
  ExpectNear(cuda.d_scale, cpu.d_scale, 2e-5, "d_scale");
  ExpectNear(cuda.d_bias, cpu.d_bias, 2e-5, "d_bias");
}

TEST(CudaContrastTest, AgreesWithItsTwin) {
  for (uint64_t seed = 1; seed <= 2; ++seed) {
    emulation::SetSeed(seed);
    for (const bool by_column : {true, false}) {
      CheckSoftmax(1, 1, 0, 1, by_column);
      CheckSoftmax(3, 17, 2, 5, by_column);
      CheckSoftmax(9, 300, 130, 2, by_column);
    }
    CheckSigmoid(1, 1, 0, 1);
    CheckSigmoid(3, 17, 2, 5);
    CheckSigmoid(9, 300, 130, 2);
  }
}

TEST(CudaContrastTest, TakesNoRows) {
  ContrastCase c(0, 5, 0, 1, false, 3);
  cuda::ContrastStatistics(c.Statistics(true), nullptr);
  cuda::ContrastGradient(c.Gradient(true), nullptr);
  cuda::SigmoidContrast(c.Sigmoid(), nullptr);
  EXPECT_EQ(c.column_sum.At(4), 0.0f);
}

}  // namespace
}  // namespace ocellus::kernels
