// Activations that are computed again change no bit of a step and no count of its products, draw
// nothing, and need less memory.
#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "models/ops/flops.h"
#include "tests/models/objectives/documents.h"

namespace ocellus::models::objectives {
namespace {

using nlohmann::json;

// Bytes that this thread has taken from LibTorch's allocator beyond those at the start, at most.
class PeakMemory final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, int64_t bytes, size_t, size_t, c10::Device) override {
    held_ += bytes;
    peak_ = std::max(peak_, held_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  int64_t peak() const { return peak_; }

 private:
  int64_t held_ = 0, peak_ = 0;
};

struct StepResult {
  std::vector<torch::Tensor> numbers;  // the loss, and each parameter's gradient
  double flops = 0;
  int64_t peak = 0;
  torch::Tensor random_before, random_after;  // LibTorch's generator around the step
};

StepResult OneStep(json document, bool recompute, int64_t batch) {
  document["model"]["vit"]["recompute"] = recompute;
  const auto objective = MakeObjective(document, torch::kCPU);
  objective->initialise(at::make_generator<at::CPUGeneratorImpl>(3));
  const Tensors inputs = InputsOf(*objective, batch);
  SingleRank alone;
  StepResult result;
  const auto memory = std::make_shared<PeakMemory>();
  const double before = ops::CountedFlops();
  result.random_before = at::detail::getDefaultCPUGenerator().get_state();
  {
    const c10::DebugInfoGuard watch(c10::DebugInfoKind::PROFILER_STATE, memory);
    const StepOutput output = objective->forward(inputs, {.collectives = &alone});
    output.loss.backward();
    result.numbers.push_back(output.loss.detach());
  }
  result.random_after = at::detail::getDefaultCPUGenerator().get_state();
  result.flops = ops::CountedFlops() - before;
  result.peak = memory->peak();
  for (const auto& parameter : objective->module().parameters()) {
    result.numbers.push_back(parameter.grad());
  }
  return result;
}

TEST(Recompute, ChangesNoBitOfAnyMethod) {
  const json model = VitModel(32, 8, 32, 2, 4);
  for (const json& objective :
       {MaeObjective(16, 2, 2), MocoObjective(), ClipObjective(16, 24, 2, 2, 60, 8)}) {
    for (const std::string precision : {"fp32", "bf16"}) {
      SCOPED_TRACE(objective.begin().key() + " " + precision);
      const StepResult plain = OneStep(DocumentOf(objective, model, precision), false, 6);
      const StepResult again = OneStep(DocumentOf(objective, model, precision), true, 6);
      EXPECT_EQ(plain.flops, again.flops);
      ASSERT_EQ(plain.numbers.size(), again.numbers.size());
      for (size_t i = 0; i < plain.numbers.size(); ++i) {
        ASSERT_EQ(plain.numbers[i].defined(), again.numbers[i].defined()) << i;
        if (!plain.numbers[i].defined()) continue;
        EXPECT_TRUE(torch::equal(plain.numbers[i], again.numbers[i])) << i;
      }
    }
  }
}

// A block that drew would draw anew in backward: none does.
TEST(Recompute, DrawsNothing) {
  for (const json& objective :
       {MaeObjective(16, 2, 2), MocoObjective(), ClipObjective(16, 24, 2, 2, 60, 8)}) {
    const StepResult step =
        OneStep(DocumentOf(objective, VitModel(32, 8, 32, 2, 4), "fp32"), true, 6);
    EXPECT_TRUE(torch::equal(step.random_before, step.random_after)) << objective;
  }
}

TEST(Recompute, NeedsLessMemory) {
  for (const json& objective :
       {MaeObjective(64, 4, 2), MocoObjective(), ClipObjective(16, 64, 2, 8, 60, 32)}) {
    const json document = DocumentOf(objective, VitModel(32, 4, 64, 8, 4), "fp32");
    const StepResult plain = OneStep(document, false, 16), again = OneStep(document, true, 16);
    EXPECT_LT(again.peak, plain.peak / 2) << objective;
    EXPECT_GT(again.peak, 0);
  }
}

}  // namespace
}  // namespace ocellus::models::objectives
