#include "models/ops/chunked.h"

#include "models/ops/flops.h"

namespace ocellus::models::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

struct Pieces final : torch::CustomClassHolder {
  Piecewise apply;
  tensor_list parameters;
  int64_t chunk = 0;
};

struct ChunkedFunction : torch::autograd::Function<ChunkedFunction> {
  // `parameters` are the inputs that autograd sees; `pieces` uses them.
  static torch::Tensor forward(AutogradContext* context, at::TensorList parameters,
                               const torch::Tensor& inputs,
                               const c10::intrusive_ptr<Pieces>& pieces) {
    const Uncounted again;  // backward counts them
    context->save_for_backward({inputs});
    context->saved_data["pieces"] = c10::IValue::make_capsule(pieces);
    tensor_list parts;
    for (const torch::Tensor& rows : inputs.split(pieces->chunk)) {
      parts.push_back(pieces->apply(rows));
    }
    return torch::cat(parts);
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const torch::AutoGradMode with_graph(true);
    const torch::Tensor inputs = context->get_saved_variables()[0];
    const auto capsule = context->saved_data["pieces"].toCapsule();
    const auto* pieces = static_cast<const Pieces*>(capsule.get());

    const std::vector<torch::Tensor> rows = inputs.split(pieces->chunk);
    const std::vector<torch::Tensor> d_parts = gradients[0].split(pieces->chunk);
    tensor_list sums(pieces->parameters.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      const tensor_list piece =
          torch::autograd::grad({pieces->apply(rows[i])}, pieces->parameters, {d_parts[i]},
                                /*retain_graph=*/false, /*create_graph=*/false,
                                /*allow_unused=*/true);
      for (size_t p = 0; p < piece.size(); ++p) {
        if (!piece[p].defined()) continue;
        sums[p] = sums[p].defined() ? sums[p] + piece[p] : piece[p];
      }
    }
    sums.resize(sums.size() + 2);  // inputs and pieces have none
    return sums;
  }
};

}  // namespace

torch::Tensor Chunked(const Piecewise& apply, const torch::Tensor& inputs,
                      const std::vector<torch::Tensor>& parameters, int64_t chunk) {
  if (chunk <= 0 || chunk >= inputs.size(0) || !torch::GradMode::is_enabled()) {
    return apply(inputs);
  }
  auto pieces = c10::make_intrusive<Pieces>();
  pieces->apply = apply;
  pieces->parameters = parameters;
  pieces->chunk = chunk;
  return ChunkedFunction::apply(at::TensorList(parameters), inputs, pieces);
}

}  // namespace ocellus::models::ops
