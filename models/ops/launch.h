// How the operators of this folder call kernels/: element types, threads, and the choice of CPU or
// CUDA by a tensor's device.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <functional>
#include <optional>

#include "kernels/element.h"

namespace ocellus::models::ops {

// Whether operators that have ATen's composition too take the kernels. They do, unless the
// environment says OCELLUS_KERNELS=off, for comparisons; results agree within rounding.
bool UseKernels();
void SetUseKernels(bool use);

// The kernels' name for the tensor's type. fp32 and bf16 alone; throws c10::Error for others.
kernels::Element ElementOf(const torch::Tensor& tensor);
kernels::Element ElementOf(torch::ScalarType type);

// The tensor itself, with its last dimension as columns: [rows, width], dense.
torch::Tensor AsRows(const torch::Tensor& tensor);

// A dense fp32 tensor's numbers; null for an undefined tensor.
float* Floats(const torch::Tensor& tensor);

// What a torch::autograd::Function takes for a tensor that may be missing.
inline std::optional<torch::Tensor> IfDefined(const torch::Tensor& tensor) {
  return tensor.defined() ? std::make_optional(tensor) : std::nullopt;
}

// A kernels::ParallelFor over LibTorch's threads.
void Parallel(int64_t tasks, const std::function<void(int64_t)>& body);

#ifdef OCELLUS_WITH_CUDA
// The stream on which work for this tensor is enqueued.
void* CurrentStream(const torch::Tensor& tensor);

// Calls kernels::cpu::op or kernels::cuda::op, by where `tensor` lives.
#define OCELLUS_LAUNCH(op, tensor, args)                                                   \
  ((tensor).is_cuda()                                                                      \
       ? ::ocellus::kernels::cuda::op(args, ::ocellus::models::ops::CurrentStream(tensor)) \
       : ::ocellus::kernels::cpu::op(args, ::ocellus::models::ops::Parallel))
#else
#define OCELLUS_LAUNCH(op, tensor, args) \
  ::ocellus::kernels::cpu::op(args, ::ocellus::models::ops::Parallel)
#endif

}  // namespace ocellus::models::ops
