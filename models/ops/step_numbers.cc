#include "models/ops/step_numbers.h"

#include "models/ops/launch.h"
#include "models/ops/layout.h"

namespace ocellus::models::ops {
namespace {

static_assert(sizeof(kernels::StepNumbers) == 2 * sizeof(double));

bool FitKernel(const std::vector<torch::Tensor>& averages,
               const std::vector<torch::Tensor>& sources) {
  if (!UseKernels()) return false;
  for (size_t i = 0; i < averages.size(); ++i) {
    const torch::Tensor &average = averages[i], &source = sources[i];
    const bool fits =
        average.scalar_type() == torch::kFloat32 && source.scalar_type() == torch::kFloat32 &&
        LieAlike(average, source) && average.is_non_overlapping_and_dense() &&
        average.device() == averages[0].device() && source.device() == average.device();
    if (!fits) return false;
  }
  return true;
}

}  // namespace

torch::Tensor StepNumbers(const kernels::StepNumbers& numbers, torch::Device device) {
  const torch::Tensor host = torch::empty(
      {2}, torch::TensorOptions().dtype(torch::kFloat64).pinned_memory(device.is_cuda()));
  *reinterpret_cast<kernels::StepNumbers*>(host.data_ptr<double>()) = numbers;
  return host.to(device, /*non_blocking=*/true);
}

const kernels::StepNumbers* NumbersIn(const torch::Tensor& numbers) {
  return reinterpret_cast<const kernels::StepNumbers*>(numbers.const_data_ptr<double>());
}

void MoveAverages(const std::vector<torch::Tensor>& averages,
                  const std::vector<torch::Tensor>& sources, double momentum,
                  const torch::Tensor& numbers) {
  const torch::NoGradGuard no_grad;
  if (averages.empty()) return;
  if (!FitKernel(averages, sources)) {
    at::_foreach_lerp_(averages, sources, 1.0 - momentum);
    return;
  }
  std::vector<kernels::AverageTensor> tensors;
  for (size_t i = 0; i < averages.size(); ++i) {
    tensors.push_back({averages[i].numel(), Floats(sources[i]), Floats(averages[i])});
  }
  const torch::Tensor now = numbers.defined()
                                ? numbers
                                : StepNumbers({.average_momentum = momentum}, averages[0].device());
  const kernels::AverageArgs args{.tensors = tensors.data(),
                                  .size = static_cast<int64_t>(tensors.size()),
                                  .numbers = NumbersIn(now)};
  OCELLUS_LAUNCH(Average, averages[0], args);
}

}  // namespace ocellus::models::ops
