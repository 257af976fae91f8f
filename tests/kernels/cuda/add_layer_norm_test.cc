// The CUDA source of AddLayerNorm, emulated, against its CPU twin.
#include "kernels/add_layer_norm.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "tests/kernels/arrays.h"
#include "tests/support/cuda_emulation/emulation.h"

namespace ocellus::kernels {
namespace {

struct Case {
  int64_t rows, width;
  Element type;  // of branch, out and their gradients
  bool branch;

  int64_t size() const { return rows * width; }
};

struct Inputs {
  explicit Inputs(const Case& c)
      : residual(Array::Normal(c.size(), 1)),
        branch(Array::Normal(c.size(), 2, c.type)),
        weight(Array::Normal(c.width, 3)),
        bias(Array::Normal(c.width, 4)),
        d_out(Array::Normal(c.size(), 5, c.type)),
        d_sum(Array::Normal(c.size(), 6)),
        scratch(AddLayerNormScratch(c.rows, c.width)) {}

  Array residual, branch, weight, bias, d_out, d_sum, scratch;
};

struct Outputs {
  explicit Outputs(const Case& c)
      : sum(c.size()),
        out(c.size(), c.type),
        mean(c.rows),
        rstd(c.rows),
        d_total(c.size()),
        d_branch(c.size(), Element::kBFloat16),
        d_weight(c.width),
        d_bias(c.width) {}

  Array sum, out, mean, rstd, d_total, d_branch, d_weight, d_bias;
};

AddLayerNormForwardArgs Forward(const Case& c, Inputs& in, Outputs& out) {
  AddLayerNormForwardArgs args;
  args.rows = c.rows;
  args.width = c.width;
  args.eps = 1e-6f;
  args.residual = in.residual.floats();
  args.branch = c.branch ? in.branch.data() : nullptr;
  args.branch_type = c.type;
  args.weight = in.weight.floats();
  args.bias = in.bias.floats();
  args.sum = c.branch ? out.sum.floats() : nullptr;
  args.out = out.out.data();
  args.out_type = c.type;
  args.mean = out.mean.floats();
  args.rstd = out.rstd.floats();
  return args;
}

AddLayerNormBackwardArgs Backward(const Case& c, Inputs& in, Outputs& out) {
  AddLayerNormBackwardArgs args;
  args.rows = c.rows;
  args.width = c.width;
  args.sum = c.branch ? out.sum.floats() : in.residual.floats();
  args.mean = out.mean.floats();
  args.rstd = out.rstd.floats();
  args.weight = in.weight.floats();
  args.d_out = in.d_out.data();
  args.out_type = c.type;
  args.d_sum = c.branch ? in.d_sum.floats() : nullptr;
  args.d_total = out.d_total.floats();
  args.d_branch = c.branch && c.type == Element::kBFloat16 ? out.d_branch.data() : nullptr;
  args.d_weight = out.d_weight.floats();
  args.d_bias = out.d_bias.floats();
  args.scratch = in.scratch.floats();
  return args;
}

void Check(const Case& c) {
  SCOPED_TRACE(testing::Message() << c.rows << " x " << c.width << ", branch " << c.branch);
  const double rounding = c.type == Element::kBFloat16 ? 1.6e-2 : 2e-6;
  Inputs in(c);
  Outputs cpu(c), cuda(c);
  cpu::AddLayerNormForward(Forward(c, in, cpu), Serially);
  cpu::AddLayerNormBackward(Backward(c, in, cpu), Serially);
  cuda::AddLayerNormForward(Forward(c, in, cuda), nullptr);
  cuda::AddLayerNormBackward(Backward(c, in, cuda), nullptr);
  if (c.branch) ExpectNear(cuda.sum, cpu.sum, 0, "sum");
  ExpectNear(cuda.out, cpu.out, rounding, "out");
  ExpectNear(cuda.mean, cpu.mean, 2e-6, "mean");
  ExpectNear(cuda.rstd, cpu.rstd, 2e-6, "rstd");
  ExpectNear(cuda.d_total, cpu.d_total, 1e-5, "d_total");
  if (c.branch && c.type == Element::kBFloat16) {
    ExpectNear(cuda.d_branch, cpu.d_branch, rounding, "d_branch");
  }
  ExpectNear(cuda.d_weight, cpu.d_weight, 1e-5, "d_weight");
  ExpectNear(cuda.d_bias, cpu.d_bias, 1e-5, "d_bias");
}

TEST(CudaAddLayerNormTest, AgreesWithItsTwin) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    emulation::SetSeed(seed);
    for (const Element type : {Element::kFloat32, Element::kBFloat16}) {
      Check({2, 3, type, true});
      Check({3, 17, type, false});
      Check({2, 1028, type, true});  // more columns than one pass of the block
    }
  }
  Check({35, 64, Element::kBFloat16, true});  // two parts
}

TEST(CudaAddLayerNormTest, RefusesRowsThatDoNotFit) {
  const Case c{1, 6000, Element::kFloat32, true};
  Inputs in(c);
  Outputs out(c);
  EXPECT_THROW(cuda::AddLayerNormForward(Forward(c, in, out), nullptr), std::runtime_error);
}

}  // namespace
}  // namespace ocellus::kernels
