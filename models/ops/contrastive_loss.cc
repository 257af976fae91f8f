#include "models/ops/contrastive_loss.h"

#include <algorithm>

#include "models/ops/gather.h"

// n own rows, N rows of all ranks, b rows of a block, E width.
namespace ocellus::models::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

constexpr int64_t kBlock = 1024;  // rows of logits at a time

// Both losses are [sum of phi(logits) - sum of the diagonal] / n: phi is the log-sum-exp of a row
// for the cross entropy, and softplus of each logit for the sigmoids, since
// softplus(-z) = softplus(z) - z. Its derivative is the softmax and the sigmoid.
enum Kind : int64_t { kSoftmax, kSigmoid };

struct PairLossFunction : torch::autograd::Function<PairLossFunction> {
  // The own rows' partners are the columns from `first` on.
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& rows_nE,
                               const torch::Tensor& columns_NE, const torch::Tensor& scale,
                               const torch::Tensor& bias, int64_t first, int64_t kind) {
    context->save_for_backward({rows_nE, columns_NE, scale, bias});
    context->saved_data["first"] = first;
    context->saved_data["kind"] = kind;
    torch::Tensor loss = torch::zeros({}, rows_nE.options());
    for (int64_t row = 0; row < rows_nE.size(0); row += kBlock) {
      const torch::Tensor rows_bE = rows_nE.slice(0, row, row + kBlock);
      const torch::Tensor logits_bN = Products(rows_bE, columns_NE).mul_(scale).add_(bias);
      loss -= logits_bN.diagonal(first + row).sum();
      loss += kind == kSoftmax ? logits_bN.logsumexp(1).sum() : at::softplus(logits_bN).sum();
    }
    return loss / rows_nE.size(0);
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const tensor_list saved = context->get_saved_variables();
    const torch::Tensor &rows_nE = saved[0], &columns_NE = saved[1];
    const torch::Tensor &scale = saved[2], &bias = saved[3];
    const int64_t first = context->saved_data["first"].toInt();
    const bool softmax = context->saved_data["kind"].toInt() == kSoftmax;

    torch::Tensor d_rows_nE = torch::empty_like(rows_nE);
    torch::Tensor d_columns_NE = torch::zeros_like(columns_NE);
    torch::Tensor d_scale = torch::zeros_like(scale), d_bias = torch::zeros_like(bias);
    for (int64_t row = 0; row < rows_nE.size(0); row += kBlock) {
      const torch::Tensor rows_bE = rows_nE.slice(0, row, row + kBlock);
      const torch::Tensor products_bN = Products(rows_bE, columns_NE);
      const torch::Tensor logits_bN = products_bN * scale + bias;
      torch::Tensor d_bN = softmax ? logits_bN.softmax(1) : logits_bN.sigmoid();
      d_bN.diagonal(first + row).sub_(1.0);
      d_rows_nE.slice(0, row, row + kBlock).copy_(d_bN.matmul(columns_NE));
      d_columns_NE.addmm_(d_bN.t(), rows_bE);
      d_scale += (d_bN * products_bN).sum();
      d_bias += d_bN.sum();
    }
    const torch::Tensor share = gradients[0] / rows_nE.size(0);
    return {d_rows_nE * (scale * share),
            d_columns_NE * (scale * share),
            d_scale * share,
            d_bias * share,
            torch::Tensor(),
            torch::Tensor()};
  }

 private:
  static torch::Tensor Products(const torch::Tensor& rows, const torch::Tensor& columns) {
    return rows.matmul(columns.t());
  }
};

}  // namespace

torch::Tensor InfoNceLoss(const torch::Tensor& images, const torch::Tensor& texts,
                          const torch::Tensor& scale, Collectives& collectives) {
  const int64_t first = collectives.rank() * images.size(0);
  const torch::Tensor all_images = AllGather(images, collectives);
  const torch::Tensor all_texts = AllGather(texts, collectives);
  const torch::Tensor no_bias = torch::zeros_like(scale).detach();
  const torch::Tensor by_image =
      PairLossFunction::apply(images, all_texts, scale, no_bias, first, kSoftmax);
  const torch::Tensor by_text =
      PairLossFunction::apply(texts, all_images, scale, no_bias, first, kSoftmax);
  return (by_image + by_text) / 2.0;
}

torch::Tensor SigLipLoss(const torch::Tensor& images, const torch::Tensor& texts,
                         const torch::Tensor& scale, const torch::Tensor& bias,
                         Collectives& collectives) {
  const int64_t first = collectives.rank() * images.size(0);
  const torch::Tensor all_texts = AllGather(texts, collectives);
  return PairLossFunction::apply(images, all_texts, scale, bias, first, kSigmoid);
}

}  // namespace ocellus::models::ops
