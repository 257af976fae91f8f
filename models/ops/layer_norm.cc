#include "models/ops/layer_norm.h"

#include "kernels/add_layer_norm.h"
#include "models/ops/launch.h"

namespace ocellus::models::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

struct AddLayerNormFunction : torch::autograd::Function<AddLayerNormFunction> {
  // Dense [..., D] tensors. Returns {h, sum}, or {h} alone when there is no branch.
  static tensor_list forward(AutogradContext* context, const torch::Tensor& residual,
                             const std::optional<torch::Tensor>& branch,
                             const torch::Tensor& weight, const torch::Tensor& bias, double eps,
                             torch::ScalarType out_type) {
    kernels::AddLayerNormForwardArgs args;
    args.width = residual.size(-1);
    args.rows = residual.numel() / args.width;
    args.eps = static_cast<float>(eps);
    args.residual = Floats(residual);
    args.weight = Floats(weight);
    args.bias = Floats(bias);
    torch::Tensor sum = branch ? torch::empty_like(residual) : residual;
    if (branch) {
      args.branch = branch->data_ptr();
      args.branch_type = ElementOf(*branch);
      args.sum = Floats(sum);
    }
    torch::Tensor out = torch::empty_like(residual, residual.options().dtype(out_type));
    torch::Tensor statistics = torch::empty({2, args.rows}, residual.options());
    args.out = out.data_ptr();
    args.out_type = ElementOf(out);
    args.mean = Floats(statistics);
    args.rstd = Floats(statistics) + args.rows;
    OCELLUS_LAUNCH(AddLayerNormForward, residual, args);

    context->save_for_backward({sum, weight, statistics});
    context->saved_data["has_branch"] = branch.has_value();
    context->saved_data["bf16_branch"] = branch && branch->scalar_type() == torch::kBFloat16;
    context->set_materialize_grads(false);
    if (!branch) return {out};
    return {out, sum};
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const torch::Tensor d_sum = gradients.size() > 1 && gradients[1].defined()
                                    ? gradients[1].contiguous()
                                    : torch::Tensor();
    const bool bf16_branch = context->saved_data["bf16_branch"].toBool();
    tensor_list out(6);
    if (!gradients[0].defined()) {  // the normalised output was not used
      out[0] = d_sum;
      out[1] = bf16_branch && d_sum.defined() ? d_sum.to(torch::kBFloat16) : d_sum;
      return out;
    }
    out = Backward(saved, gradients[0].contiguous(), d_sum, bf16_branch);
    if (!context->saved_data["has_branch"].toBool()) out[1] = torch::Tensor();
    return out;
  }

 private:
  static tensor_list Backward(const tensor_list& saved, const torch::Tensor& d_out,
                              const torch::Tensor& d_sum, bool bf16_branch) {
    kernels::AddLayerNormBackwardArgs args;
    args.width = saved[0].size(-1);
    args.rows = saved[0].numel() / args.width;
    args.sum = Floats(saved[0]);
    args.weight = Floats(saved[1]);
    args.mean = Floats(saved[2]);
    args.rstd = Floats(saved[2]) + args.rows;
    args.d_out = d_out.data_ptr();
    args.out_type = ElementOf(d_out);
    args.d_sum = Floats(d_sum);
    torch::Tensor d_total = torch::empty_like(saved[0]);
    torch::Tensor d_branch = d_total;
    if (bf16_branch) {
      d_branch = torch::empty_like(d_total, d_total.options().dtype(torch::kBFloat16));
      args.d_branch = d_branch.data_ptr();
    }
    torch::Tensor d_weight = torch::empty_like(saved[1]), d_bias = torch::empty_like(saved[1]);
    torch::Tensor scratch =
        torch::empty({kernels::AddLayerNormScratch(args.rows, args.width)}, d_total.options());
    args.d_total = Floats(d_total);
    args.d_weight = Floats(d_weight);
    args.d_bias = Floats(d_bias);
    args.scratch = Floats(scratch);
    OCELLUS_LAUNCH(AddLayerNormBackward, d_total, args);
    return {d_total, d_branch, d_weight, d_bias, torch::Tensor(), torch::Tensor()};
  }
};

}  // namespace

std::pair<torch::Tensor, torch::Tensor> AddLayerNorm(const torch::Tensor& residual,
                                                     const torch::Tensor& branch,
                                                     const torch::Tensor& weight,
                                                     const torch::Tensor& bias, double eps,
                                                     torch::ScalarType out) {
  if (!UseKernels()) {
    const torch::Tensor sum = branch.defined() ? residual + branch : residual;
    return {sum, torch::layer_norm(sum, {sum.size(-1)}, weight, bias, eps).to(out)};
  }
  const tensor_list result = AddLayerNormFunction::apply(
      residual.contiguous(), IfDefined(branch.defined() ? branch.contiguous() : branch), weight,
      bias, eps, out);
  return {branch.defined() ? result[1] : residual, result[0]};
}

}  // namespace ocellus::models::ops
