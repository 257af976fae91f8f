#include "models/ops/launch.h"

#include <ATen/Parallel.h>

#include <atomic>
#include <cstdlib>
#include <string_view>
#ifdef OCELLUS_WITH_CUDA
#include <c10/cuda/CUDAStream.h>
#endif

namespace ocellus::models::ops {
namespace {

std::atomic<bool>& KernelSwitch() {
  static std::atomic<bool> on = [] {
    const char* wish = std::getenv("OCELLUS_KERNELS");
    return wish == nullptr || std::string_view(wish) != "off";
  }();
  return on;
}

}  // namespace

bool UseKernels() { return KernelSwitch(); }

void SetUseKernels(bool use) { KernelSwitch() = use; }

kernels::Element ElementOf(torch::ScalarType type) {
  TORCH_CHECK(type == torch::kFloat32 || type == torch::kBFloat16,
              "this operator computes in fp32 or bf16, not in ", type);
  return type == torch::kBFloat16 ? kernels::Element::kBFloat16 : kernels::Element::kFloat32;
}

kernels::Element ElementOf(const torch::Tensor& tensor) { return ElementOf(tensor.scalar_type()); }

torch::Tensor AsRows(const torch::Tensor& tensor) {
  return tensor.reshape({-1, tensor.size(-1)}).contiguous();
}

float* Floats(const torch::Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<float>() : nullptr;
}

void Parallel(int64_t tasks, const std::function<void(int64_t)>& body) {
  at::parallel_for(0, tasks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) body(i);
  });
}

#ifdef OCELLUS_WITH_CUDA
void* CurrentStream(const torch::Tensor& tensor) {
  return c10::cuda::getCurrentCUDAStream(tensor.device().index()).stream();
}
#endif

}  // namespace ocellus::models::ops
