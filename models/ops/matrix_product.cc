#include "models/ops/matrix_product.h"

#include <ATen/core/dispatch/Dispatcher.h>

#include <optional>
#include <string>

#include "kernels/column_sum.h"
#include "models/ops/launch.h"

namespace ocellus::models::ops {
namespace {

using OneDnnLinear = torch::Tensor(const torch::Tensor&, const torch::Tensor&,
                                   const std::optional<torch::Tensor>&, std::string_view,
                                   c10::List<std::optional<at::Scalar>>,
                                   std::optional<std::string_view>);

// LibTorch's oneDNN linear layer, or nothing in a build of LibTorch without oneDNN.
const std::optional<c10::TypedOperatorHandle<OneDnnLinear>>& FindOneDnn() {
  static const auto handle = []() -> std::optional<c10::TypedOperatorHandle<OneDnnLinear>> {
    auto schema = c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
    if (!schema || !at::globalContext().userEnabledMkldnn()) return std::nullopt;
    return schema->typed<OneDnnLinear>();
  }();
  return handle;
}

}  // namespace

torch::Tensor ProductTransposed(const torch::Tensor& a, const torch::Tensor& b,
                                const torch::Tensor& bias) {
  // For bf16, LibTorch's own call of oneDNN is as fast, unless there is a bias, which it copies to
  // every row first.
  const bool better = a.scalar_type() == torch::kFloat32 || bias.defined();
  if (a.is_cpu() && better && a.numel() > 0 && b.numel() > 0 && FindOneDnn()) {
    return FindOneDnn()->call(a, b, IfDefined(bias), "none", c10::List<std::optional<at::Scalar>>(),
                              "");
  }
  return at::linear(a, b, bias);
}

torch::Tensor InputGradient(const torch::Tensor& d_y, const torch::Tensor& weight) {
  return ProductTransposed(d_y, weight.t());
}

torch::Tensor WeightGradient(const torch::Tensor& d_y, const torch::Tensor& x) {
  return ProductTransposed(d_y.t(), x.t()).to(torch::kFloat32);
}

torch::Tensor BiasGradient(const torch::Tensor& d_y) {
  if (!d_y.is_cpu()) return d_y.sum(0, false, torch::kFloat32);
  kernels::ColumnSumArgs args;
  args.rows = d_y.size(0);
  args.width = d_y.size(1);
  args.x = d_y.data_ptr();
  args.type = ElementOf(d_y);
  torch::Tensor sum = torch::empty({args.width}, d_y.options().dtype(torch::kFloat32));
  torch::Tensor scratch =
      torch::empty({kernels::ColumnSumScratch(args.rows, args.width)}, sum.options());
  args.out = Floats(sum);
  args.scratch = Floats(scratch);
  kernels::cpu::ColumnSum(args, Parallel);
  return sum;
}

}  // namespace ocellus::models::ops
