// What ConvNeXt's blocks are made of, against ATen's compositions.
#include <gtest/gtest.h>

#include "models/ops/depthwise.h"
#include "models/ops/launch.h"
#include "models/ops/response_norm.h"
#include "tests/models/ops/agreement.h"

namespace ocellus::models::ops {
namespace {

Tensors Norm(const Tensors& in) { return {ResponseNorm(in[0], in[1], in[2])}; }

Tensors NormFormula(const Tensors& in) {
  const torch::Tensor length = in[0].square().sum({1, 2}, true).sqrt();
  return {in[1] * (in[0] * (length / (length.mean(3, true) + 1e-6))) + in[2] + in[0]};
}

Tensors Convolution(const Tensors& in) {
  return {Depthwise7(in[0], in[1], in.size() > 2 ? in[2] : torch::Tensor())};
}

Tensors ConvolutionFormula(const Tensors& in) {
  return {at::conv2d(in[0].permute({0, 3, 1, 2}), in[1], in.size() > 2 ? in[2] : torch::Tensor(), 1,
                     3, 1, in[0].size(3))
              .permute({0, 2, 3, 1})};
}

Tensors NormInputs(torch::IntArrayRef shape) {
  return {Normal(shape, 1), Normal({shape[3]}, 2), Normal({shape[3]}, 3)};
}

Tensors ConvolutionInputs(torch::IntArrayRef shape) {
  return {Normal(shape, 4), Normal({shape[3], 1, 7, 7}, 5), Normal({shape[3]}, 6)};
}

const std::vector<std::vector<int64_t>> kShapes = {
    {1, 1, 1, 1}, {2, 3, 5, 17}, {3, 8, 9, 33}, {2, 14, 14, 64}};

TEST(ResponseNorm, Agrees) {
  for (const auto& shape : kShapes) ExpectAgreement(Norm, NormFormula, NormInputs(shape), 2e-5);
  Tensors strided = NormInputs({4, 6, 5, 3});
  strided[0] = Normal({3, 4, 6, 5}, 7).permute({1, 2, 3, 0});
  ExpectAgreement(Norm, NormFormula, strided, 2e-5);
  Tensors bf16 = NormInputs({2, 7, 7, 40});
  bf16[0] = bf16[0].to(torch::kBFloat16);
  ExpectAgreement(Norm, NormFormula, bf16, kBf16);
}

TEST(ResponseNorm, SameBitsForAnyThreads) {
  ExpectSameBitsForAnyThreads(Norm, NormInputs({5, 9, 9, 70}));
}

TEST(Depthwise, Agrees) {
  for (const auto& shape : kShapes) {
    Tensors inputs = ConvolutionInputs(shape);
    ExpectAgreement(Convolution, ConvolutionFormula, inputs, 1e-5);
    inputs.pop_back();  // no bias
    ExpectAgreement(Convolution, ConvolutionFormula, inputs, 1e-5);
  }
  Tensors strided = ConvolutionInputs({2, 9, 8, 6});
  strided[0] = Normal({2, 6, 9, 8}, 8).permute({0, 2, 3, 1});
  ExpectAgreement(Convolution, ConvolutionFormula, strided, 1e-5);
  Tensors bf16 = ConvolutionInputs({2, 10, 12, 24});
  bf16[0] = bf16[0].to(torch::kBFloat16);
  ExpectAgreement(Convolution, ConvolutionFormula, bf16, kBf16);
}

TEST(Depthwise, SameBitsForAnyThreads) {
  ExpectSameBitsForAnyThreads(Convolution, ConvolutionInputs({9, 12, 11, 20}));
}

TEST(ConvNext, IsTheSameWithoutKernels) {
  const Tensors norm = NormInputs({2, 5, 4, 19}), convolution = ConvolutionInputs({2, 5, 4, 19});
  const torch::Tensor one = Norm(norm)[0], two = Convolution(convolution)[0];
  SetUseKernels(false);
  EXPECT_TRUE(torch::allclose(one, Norm(norm)[0], 1e-4, 1e-5));
  EXPECT_TRUE(torch::allclose(two, Convolution(convolution)[0], 1e-4, 1e-5));
  SetUseKernels(true);
}

TEST(ConvNext, TakesNoImages) {
  EXPECT_EQ(ResponseNorm(torch::zeros({0, 3, 3, 4}), torch::ones({4}), torch::ones({4})).numel(),
            0);
  EXPECT_EQ(Depthwise7(torch::zeros({0, 3, 3, 4}), torch::ones({4, 1, 7, 7}), {}).size(3), 4);
}

}  // namespace
}  // namespace ocellus::models::ops
