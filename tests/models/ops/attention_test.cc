#include "models/ops/attention.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/models/ops/agreement.h"

namespace ocellus::models::ops {
namespace {

struct Case {
  int64_t batch, tokens, heads, head_width;
  double scale() const { return 1 / std::sqrt(static_cast<double>(head_width)); }
};

constexpr Case kCases[] = {{1, 1, 1, 1},   {2, 3, 1, 5},   {1, 2, 2, 16},  {2, 17, 3, 64},
                           {1, 50, 2, 24}, {2, 65, 2, 32}, {1, 130, 1, 8}, {1, 197, 2, 32},
                           {1, 33, 1, 80}, {1, 64, 1, 31}};

Formula Formula64(const Case& c) {
  return [c](const Tensors& in) -> Tensors {
    const torch::Tensor qkv =
        in[0].reshape({c.batch, c.tokens, 3, c.heads, c.head_width}).permute({2, 0, 3, 1, 4});
    const torch::Tensor p =
        torch::softmax(torch::matmul(qkv[0], qkv[1].transpose(-2, -1)) * c.scale(), -1);
    return {torch::matmul(p, qkv[2]).transpose(1, 2).reshape({c.batch, c.tokens, -1})};
  };
}

Formula Fused(const Case& c) {
  return [c](const Tensors& in) -> Tensors { return {Attention(in[0], c.heads, c.scale())}; };
}

torch::Tensor Qkv(const Case& c) {
  return Normal({c.batch, c.tokens, 3 * c.heads * c.head_width}, 1);
}

TEST(AttentionTest, AgreesInFp32) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(testing::Message() << c.tokens << " tokens, width " << c.head_width);
    ExpectAgreement(Fused(c), Formula64(c), {Qkv(c)}, 4e-6);
  }
}

TEST(AttentionTest, AgreesInBf16) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(testing::Message() << c.tokens << " tokens, width " << c.head_width);
    ExpectAgreement(Fused(c), Formula64(c), {Qkv(c).to(torch::kBFloat16)}, 2 * kBf16);
  }
}

TEST(AttentionTest, TakesStrides) {
  const Case c{2, 9, 2, 8};
  ExpectAgreement(Fused(c), Formula64(c), {Normal({9, 2, 48}, 1).transpose(0, 1)}, 4e-6);
}

TEST(AttentionTest, TakesLargeScores) {
  const Case c{1, 40, 1, 16};
  ExpectAgreement(Fused(c), Formula64(c), {Qkv(c) * 12}, 2e-4);
}

TEST(AttentionTest, KeepsNanToItsRows) {
  const Case c{1, 20, 1, 4};
  torch::Tensor qkv = Qkv(c);
  qkv[0][5][0] = std::nan("");  // a query
  const torch::Tensor out = Attention(qkv, c.heads, c.scale());
  EXPECT_TRUE(out[0][5].isnan().all().item<bool>());
  EXPECT_EQ(out.isnan().sum().item<int64_t>(), 4);
}

TEST(AttentionTest, RefusesHeadsThatDoNotDivide) {
  EXPECT_THROW(Attention(Normal({1, 2, 30}, 1), 4, 1.0), c10::Error);
}

TEST(AttentionTest, GivesTheSameBitsForAnyThreads) {
  const Case c{3, 70, 5, 16};
  ExpectSameBitsForAnyThreads(Fused(c), {Qkv(c)});
}

}  // namespace
}  // namespace ocellus::models::ops
