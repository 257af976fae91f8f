#include "worker/trainer/peak.h"

#include <algorithm>
#include <chrono>
#ifdef OCELLUS_WITH_CUDA
#include <ATen/cuda/CUDAContext.h>
#endif

#include "models/ops/matrix_product.h"

namespace ocellus::trainer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kMeasured{300};

double Seconds(Clock::duration time) { return std::chrono::duration<double>(time).count(); }

void Wait(torch::Device device) {
  if (device.is_cuda()) torch::cuda::synchronize(device.index());
}

// The best of several: others' work only makes it slower.
Peak Measured(torch::Device device, torch::ScalarType compute) {
  const torch::NoGradGuard no_grad;
  const int64_t size = device.is_cuda() ? 8192 : 1024;
  const auto options = torch::TensorOptions(device).dtype(compute);
  const torch::Tensor a = torch::ones({size, size}, options), b = torch::ones_like(a);
  double best = 0;
  const auto begin = Clock::now();
  for (int i = 0; i < 3 || Clock::now() - begin < kMeasured; ++i) {
    Wait(device);
    const auto before = Clock::now();
    models::ops::ProductTransposed(a, b);
    Wait(device);
    best = std::max(best, 2.0 * size * size * size / Seconds(Clock::now() - before));
  }
  std::string what = "a product of " + std::to_string(size) + " x " + std::to_string(size) +
                     (compute == torch::kBFloat16 ? " in bf16" : " in fp32");
  if (device.is_cpu()) what += ", threads: " + std::to_string(at::get_num_threads());
  return {best, what};
}

}  // namespace

double MakersPeak(const std::string& name) {
  static const std::pair<const char*, double> kKnown[] = {
      {"GH200", 989.5e12}, {"H200", 989.5e12}, {"H100 PCIe", 756e12}, {"H100", 989.5e12},
      {"A100", 312e12},    {"L40S", 362e12},   {"L4", 121e12},        {"A10G", 70e12}};
  for (const auto& [known, flops] : kKnown) {
    if (name.find(known) != std::string::npos) return flops;
  }
  return 0;
}

Peak PeakOf(torch::Device device, torch::ScalarType compute) {
#ifdef OCELLUS_WITH_CUDA
  if (device.is_cuda() && compute == torch::kBFloat16) {
    const std::string name = at::cuda::getDeviceProperties(device.index())->name;
    if (const double flops = MakersPeak(name); flops > 0) return {flops, name + " in bf16"};
  }
#endif
  return Measured(device, compute);
}

}  // namespace ocellus::trainer
