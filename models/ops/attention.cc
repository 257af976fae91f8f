#include "models/ops/attention.h"

#include "kernels/attention.h"
#include "models/ops/flops.h"
#include "models/ops/launch.h"

// B batch, N tokens, D width, H heads, E width of a head.
namespace ocellus::models::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

kernels::AttentionShape ShapeOf(const torch::Tensor& qkv_BN3D, int64_t heads, double scale) {
  kernels::AttentionShape shape;
  shape.batch = qkv_BN3D.size(0);
  shape.tokens = qkv_BN3D.size(1);
  shape.heads = heads;
  shape.head_width = qkv_BN3D.size(2) / 3 / heads;
  shape.scale = static_cast<float>(scale);
  shape.type = ElementOf(qkv_BN3D);
  return shape;
}

// Of [2, B, H, N].
kernels::SoftmaxRows SoftmaxOf(const torch::Tensor& softmax) {
  return {Floats(softmax), Floats(softmax) + softmax.numel() / 2};
}

struct AttentionFunction : torch::autograd::Function<AttentionFunction> {
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& qkv_BN3D,
                               int64_t heads, double scale) {
    context->saved_data["heads"] = heads;
    context->saved_data["scale"] = scale;
    kernels::AttentionForwardArgs args;
    const kernels::AttentionShape shape = args.shape = ShapeOf(qkv_BN3D, heads, scale);
    torch::Tensor out_BND =
        torch::empty({shape.batch, shape.tokens, shape.width()}, qkv_BN3D.options());
    const torch::Tensor softmax_2BHN = torch::empty({2, shape.batch, heads, shape.tokens},
                                                    qkv_BN3D.options().dtype(torch::kFloat32));
    args.qkv = qkv_BN3D.data_ptr();
    args.out = out_BND.data_ptr();
    args.rows = SoftmaxOf(softmax_2BHN);
    kernels::cpu::AttentionForward(args, Parallel);
    context->save_for_backward({qkv_BN3D, softmax_2BHN});
    return out_BND;
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const torch::Tensor &qkv_BN3D = saved[0], &softmax_2BHN = saved[1];
    const torch::Tensor d_out_BND = gradients[0].contiguous();
    kernels::AttentionBackwardArgs args;
    args.shape = ShapeOf(qkv_BN3D, context->saved_data["heads"].toInt(),
                         context->saved_data["scale"].toDouble());
    torch::Tensor d_qkv_BN3D = torch::empty_like(qkv_BN3D);
    args.qkv = qkv_BN3D.data_ptr();
    args.d_out = d_out_BND.data_ptr();
    args.rows = SoftmaxOf(softmax_2BHN);
    args.d_qkv = d_qkv_BN3D.data_ptr();
    kernels::cpu::AttentionBackward(args, Parallel);
    return {d_qkv_BN3D, torch::Tensor(), torch::Tensor()};
  }
};

torch::Tensor LibraryAttention(const torch::Tensor& qkv_BN3D, int64_t heads, double scale,
                               bool causal) {
  const int64_t batch = qkv_BN3D.size(0), tokens = qkv_BN3D.size(1), width = qkv_BN3D.size(2) / 3;
  const torch::Tensor qkv_3BHNE =
      qkv_BN3D.view({batch, tokens, 3, heads, width / heads}).permute({2, 0, 3, 1, 4});
  return at::scaled_dot_product_attention(qkv_3BHNE[0], qkv_3BHNE[1], qkv_3BHNE[2], {}, 0.0, causal,
                                          scale)
      .transpose(1, 2)
      .reshape({batch, tokens, width});
}

}  // namespace

torch::Tensor Attention(const torch::Tensor& qkv, int64_t heads, double scale, bool causal) {
  TORCH_CHECK(qkv.dim() == 3 && heads > 0 && qkv.size(2) % (3 * heads) == 0,
              "attention wants [batch, tokens, 3 * width] with heads dividing width, not ",
              qkv.sizes(), " and ", heads, " heads");
  // Two products, each of all pairs of tokens by the width.
  CountProduct(2.0 * qkv.numel() / 3 * qkv.size(1), qkv, qkv);
  // The kernel of the CPU knows no mask.
  if (causal || !qkv.is_cpu() || !UseKernels())
    return LibraryAttention(qkv.contiguous(), heads, scale, causal);
  return AttentionFunction::apply(qkv.contiguous(), heads, scale);
}

}  // namespace ocellus::models::ops
