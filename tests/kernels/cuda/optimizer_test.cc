// The CUDA source of the optimizers, emulated, against their CPU twins.
#include "kernels/optimizer.h"

#include <gtest/gtest.h>

#include "tests/kernels/optimizer_cases.h"
#include "tests/support/cuda_emulation/emulation.h"

namespace ocellus::kernels {
namespace {

// A step's numbers and the count of updates, in arrays of the device.
class OnDevice {
 public:
  explicit OnDevice(const StepNumbers& now, int64_t done = 0) {
    *numbers() = now;
    *updates() = done;
  }
  StepNumbers* numbers() { return static_cast<StepNumbers*>(numbers_.data()); }
  int64_t* updates() { return static_cast<int64_t*>(updates_.data()); }

 private:
  Array numbers_{sizeof(StepNumbers) / sizeof(float)}, updates_{sizeof(int64_t) / sizeof(float)};
};

void ExpectTwins(const std::vector<OptimizedTensor>& cuda, const std::vector<OptimizedTensor>& cpu,
                 bool adamw) {
  for (size_t i = 0; i < cuda.size(); ++i) {
    SCOPED_TRACE(testing::Message() << "tensor " << i << " of " << cuda[i].count());
    if (cuda[i].count() == 0) continue;
    ExpectNear(cuda[i].parameter, cpu[i].parameter, 1e-6, "parameter");
    ExpectNear(cuda[i].first, cpu[i].first, 1e-6, "first");
    if (adamw) ExpectNear(cuda[i].second, cpu[i].second, 1e-6, "second");
    if (!FollowsOf(i)) continue;
    ExpectNear(cuda[i].average, cpu[i].average, 1e-6, "average");
    for (int64_t k = 0; k < cuda[i].count(); ++k) {
      const float other = cpu[i].At(cpu[i].rounded, k);
      ASSERT_NEAR(cuda[i].At(cuda[i].rounded, k), other, 8e-3 * std::max(1.0f, std::abs(other)));
    }
  }
}

TEST(CudaOptimizerTest, AdamWAgreesWithItsTwin) {
  emulation::SetSeed(1);
  std::vector<OptimizedTensor> one = OptimizedTensors(), two = OptimizedTensors();
  Array clip(1);
  clip.Set(0, 0.7f);
  Array scratch(kAdamWScratch);
  OnDevice for_one({0.01, 0.9}, 3), for_two({0.01, 0.9}, 3);
  for (const bool clips : {true, false}) {
    const auto args = [&](const std::vector<AdamWTensor>& tensors, OnDevice& now) {
      return AdamWArgs{.tensors = tensors.data(),
                       .size = static_cast<int64_t>(tensors.size()),
                       .numbers = now.numbers(),
                       .updates = now.updates(),
                       .eps = 1e-4,
                       .clip_factor = clips ? clip.floats() : nullptr,
                       .scratch = scratch.floats()};
    };
    const std::vector<AdamWTensor> cpu = AdamWTensors(one), cuda = AdamWTensors(two);
    cpu::AdamW(args(cpu, for_one), Serially);
    cuda::AdamW(args(cuda, for_two), nullptr);
    ExpectTwins(two, one, true);
    EXPECT_EQ(*for_two.updates(), *for_one.updates());
    // The next takes what is there then.
    for (OnDevice* now : {&for_one, &for_two}) *now->numbers() = {0.003, 0.7};
  }
}

// A factor that is no number leaves everything as it was.
TEST(CudaOptimizerTest, RefusedUpdatesChangeNothing) {
  emulation::SetSeed(3);
  std::vector<OptimizedTensor> before = OptimizedTensors(), after = OptimizedTensors();
  Array clip(1);                             // NaN
  for (auto* tensors : {&before, &after}) {  // what was never written is NaN, and equals nothing
    for (OptimizedTensor& tensor : *tensors) {
      for (int64_t i = 0; i < tensor.rounded.size(); ++i) tensor.rounded.Set(i, 1);
    }
  }
  const std::vector<AdamWTensor> adamw = AdamWTensors(after);
  const std::vector<MomentumTensor> momentum = MomentumTensors(after);
  Array scratch(MomentumScratch(momentum.data(), static_cast<int64_t>(momentum.size())));
  Array few(kAdamWScratch);
  OnDevice now({0.1, 0.5}, 5);
  const AdamWArgs one{.tensors = adamw.data(),
                      .size = static_cast<int64_t>(adamw.size()),
                      .numbers = now.numbers(),
                      .updates = now.updates(),
                      .clip_factor = clip.floats(),
                      .scratch = few.floats()};
  const MomentumArgs other{.tensors = momentum.data(),
                           .size = static_cast<int64_t>(momentum.size()),
                           .numbers = now.numbers(),
                           .updates = now.updates(),
                           .clip_factor = clip.floats(),
                           .scratch = scratch.floats()};
  cuda::AdamW(one, nullptr);
  cuda::Momentum(other, nullptr);
  cpu::AdamW(one, Serially);
  cpu::Momentum(other, Serially);
  ExpectTwins(after, before, true);
  EXPECT_EQ(*now.updates(), 5);
}

TEST(CudaOptimizerTest, MomentumAgreesWithItsTwin) {
  emulation::SetSeed(2);
  for (const bool simclr : {false, true}) {
    std::vector<OptimizedTensor> one = OptimizedTensors(), two = OptimizedTensors();
    for (auto* tensors : {&one, &two}) {
      for (int64_t i = 0; i < (*tensors)[4].count(); ++i) (*tensors)[4].parameter.Set(i, 0);
    }
    const std::vector<MomentumTensor> cpu = MomentumTensors(one), cuda = MomentumTensors(two);
    Array clip(1), scratch(MomentumScratch(cpu.data(), cpu.size()));
    clip.Set(0, 0.7f);
    OnDevice now({0.1, 0.9});
    const auto args = [&](const std::vector<MomentumTensor>& tensors) {
      return MomentumArgs{.tensors = tensors.data(),
                          .size = static_cast<int64_t>(tensors.size()),
                          .numbers = now.numbers(),
                          .updates = now.updates(),
                          .momentum = 0.8,
                          .trust = 0.02,
                          .rate_inside = simclr,
                          .nesterov = !simclr,
                          .clip_factor = clip.floats(),
                          .scratch = scratch.floats()};
    };
    cpu::Momentum(args(cpu), Serially);
    cuda::Momentum(args(cuda), nullptr);
    ExpectTwins(two, one, false);
    EXPECT_EQ(*now.updates(), 2);
  }
}

TEST(CudaOptimizerTest, AverageAgreesWithItsTwin) {
  emulation::SetSeed(4);
  std::vector<OptimizedTensor> one = OptimizedTensors(), two = OptimizedTensors();
  const std::vector<AverageTensor> cpu = AverageTensors(one), cuda = AverageTensors(two);
  OnDevice now({0, 0.8});
  const auto size = static_cast<int64_t>(cpu.size());
  cpu::Average({cpu.data(), size, now.numbers()}, Serially);
  cuda::Average({cuda.data(), size, now.numbers()}, nullptr);
  for (size_t i = 0; i < two.size(); ++i) {
    if (two[i].count() > 0) ExpectNear(two[i].average, one[i].average, 1e-6, "average");
  }
}

TEST(CudaOptimizerTest, NormAgreesWithItsTwin) {
  emulation::SetSeed(3);
  std::vector<OptimizedTensor> tensors = OptimizedTensors();
  std::vector<GradientTensor> gradients;
  for (OptimizedTensor& tensor : tensors) {
    gradients.push_back({tensor.count(), tensor.ForAdamW(0, false).gradient});
  }
  for (const size_t size : {gradients.size(), size_t{1}, size_t{0}}) {
    Array cpu(2), cuda(2), scratch(GradientNormScratch(gradients.data(), size));
    const auto args = [&](Array& out) {
      return GradientNormArgs{.tensors = gradients.data(),
                              .size = static_cast<int64_t>(size),
                              .limit = 2,
                              .norm = out.floats(),
                              .factor = out.floats() + 1,
                              .scratch = scratch.floats()};
    };
    cpu::GradientNorm(args(cpu), Serially);
    cuda::GradientNorm(args(cuda), nullptr);
    ExpectNear(cuda, cpu, 2e-6, "norm and factor");
  }
}

}  // namespace
}  // namespace ocellus::kernels
