#include "models/ops/recompute.h"

#include "models/ops/flops.h"

namespace ocellus::models::ops {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

struct Again final : torch::CustomClassHolder {
  Region apply;
  tensor_list parameters;
  std::vector<bool> wants_gradient;  // of the inputs
};

struct RecomputedFunction : torch::autograd::Function<RecomputedFunction> {
  // `all`: the inputs, then the parameters, which `again` uses itself.
  static tensor_list forward(AutogradContext* context, at::TensorList all,
                             const c10::intrusive_ptr<Again>& again) {
    const Uncounted first;  // backward counts what it computes
    const size_t count = again->wants_gradient.size();
    const tensor_list inputs(all.begin(), all.begin() + static_cast<int64_t>(count));
    context->save_for_backward(inputs);
    context->set_materialize_grads(false);
    context->saved_data["again"] = c10::IValue::make_capsule(again);
    return again->apply(inputs);
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& gradients) {
    const torch::AutoGradMode with_graph(true);
    const auto capsule = context->saved_data["again"].toCapsule();
    const auto* again = static_cast<const Again*>(capsule.get());
    const tensor_list saved = context->get_saved_variables();
    tensor_list inputs, wanted;
    for (size_t i = 0; i < saved.size(); ++i) {
      inputs.push_back(saved[i].detach().requires_grad_(again->wants_gradient[i]));
      if (again->wants_gradient[i]) wanted.push_back(inputs.back());
    }
    wanted.insert(wanted.end(), again->parameters.begin(), again->parameters.end());

    const tensor_list outputs = again->apply(inputs);
    tensor_list ends, d_ends;
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!gradients[i].defined()) continue;
      ends.push_back(outputs[i]);
      d_ends.push_back(gradients[i]);
    }
    const tensor_list found = torch::autograd::grad(ends, wanted, d_ends, /*retain_graph=*/false,
                                                    /*create_graph=*/false, /*allow_unused=*/true);
    tensor_list all;
    size_t next = 0;
    for (const bool wants : again->wants_gradient) {
      all.push_back(wants ? found[next++] : torch::Tensor());
    }
    all.insert(all.end(), found.begin() + static_cast<int64_t>(next), found.end());
    all.emplace_back();  // `again` has none
    return all;
  }
};

}  // namespace

tensor_list Recomputed(const Region& apply, const tensor_list& inputs,
                       const tensor_list& parameters) {
  if (!torch::GradMode::is_enabled()) return apply(inputs);
  auto again = c10::make_intrusive<Again>();
  again->apply = apply;
  for (const torch::Tensor& parameter : parameters) {
    if (parameter.requires_grad()) again->parameters.push_back(parameter);
  }
  tensor_list all = inputs;
  for (const torch::Tensor& input : inputs) again->wants_gradient.push_back(input.requires_grad());
  all.insert(all.end(), again->parameters.begin(), again->parameters.end());
  return RecomputedFunction::apply(at::TensorList(all), again);
}

}  // namespace ocellus::models::ops
