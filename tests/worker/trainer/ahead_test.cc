// A step whose verdict is read one step late: the same bits, and no look at a tensor's value
// meanwhile, which on a GPU would be a wait for it.
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/record_function.h>
#include <gtest/gtest.h>

#include <atomic>
#include <limits>
#include <set>

#include "models/weights/weights.h"
#include "tests/models/objectives/documents.h"
#include "worker/trainer/step.h"

namespace ocellus::trainer {
namespace {

using models::objectives::ClipObjective;
using models::objectives::DocumentOf;
using models::objectives::InputsOf;
using models::objectives::MaeObjective;
using models::objectives::MocoObjective;
using models::objectives::VitModel;
using nlohmann::json;

const json kOptimizer = {{"adamw",
                          {{"lr", 0.01},
                           {"betas", {0.9, 0.99}},
                           {"eps", 1e-8},
                           {"weight_decay", 0.1},
                           {"decay_all", false}}}};

struct Fixture {
  explicit Fixture(const json& objective_section)
      : objective(models::MakeObjective(
            DocumentOf(objective_section, VitModel(16, 8, 32, 2, 4), "fp32"), torch::kCPU)),
        ranks({}, torch::kCPU) {
    objective->initialise(at::make_generator<at::CPUGeneratorImpl>(3));
    optimizer = models::optim::MakeOptimizer(kOptimizer, objective->module());
    step = std::make_unique<Step>(
        *objective, *optimizer,
        models::optim::Schedule{models::optim::Schedule::Kind::kConstant, 0.01, 0, 0, 10, 0}, ranks,
        /*accumulate=*/1, /*clip_norm=*/0.5);
    inputs = InputsOf(*objective, 4);
  }
  models::StepContext At(int64_t i) { return {.step = i, .total_steps = 9, .collectives = &ranks}; }
  // At step 2 a pixel is infinite.
  NextInputs Inputs(int64_t i) {
    return [this, i] {
      models::Tensors given = inputs;
      if (i != 2) return given;
      for (auto& [name, tensor] : given) {
        if (tensor.dim() != 4) continue;
        tensor = tensor.clone();
        tensor[1][0][0][0] = std::numeric_limits<float>::infinity();
      }
      return given;
    };
  }
  models::Tensors State() {
    models::Tensors state;
    for (const auto& [name, tensor] : models::weights::State(*objective)) {
      state[name] = tensor.clone();
    }
    state.merge(optimizer->State());
    return state;
  }

  std::unique_ptr<models::Objective> objective;
  dist::Communicator ranks;
  std::unique_ptr<models::optim::Optimizer> optimizer;
  std::unique_ptr<Step> step;
  models::Tensors inputs;
};

std::vector<json> Objectives() {
  return {MaeObjective(16, 2, 2), MocoObjective(), ClipObjective(16, 24, 2, 2, 60, 8)};
}

TEST(Ahead, GivesTheBitsOfAStepThatWaits) {
  for (const json& section : Objectives()) {
    SCOPED_TRACE(section.begin().key());
    Fixture waits(section), ahead(section);
    ahead.step->RunAhead([](const std::string&) {});
    std::vector<Verdict> want, got;
    for (int64_t i = 0; i < 5; ++i) {
      want.push_back(waits.step->Judge(waits.step->Backward(waits.At(i), waits.Inputs(i)), {}));
      if (want.back().finite) waits.step->Update(waits.At(i));

      const Computed computed = ahead.step->Backward(ahead.At(i), ahead.Inputs(i));
      const auto before = ahead.step->JudgeAhead(ahead.At(i), computed, {.stop = i == 3});
      EXPECT_EQ(before.has_value(), i > 0);
      if (before) got.push_back(*before);
      ahead.step->Update(ahead.At(i));
    }
    got.push_back(ahead.step->Settle().value());
    EXPECT_FALSE(ahead.step->Settle().has_value());

    ASSERT_EQ(got.size(), want.size());
    for (size_t i = 0; i < want.size(); ++i) {
      EXPECT_EQ(got[i].step, static_cast<int64_t>(i));
      EXPECT_EQ(got[i].finite, i != 2);
      EXPECT_EQ(want[i].finite, i != 2);
      EXPECT_EQ(got[i].stop, i == 3);
      if (i == 2) continue;
      EXPECT_EQ(got[i].loss, want[i].loss);
      EXPECT_EQ(got[i].grad_norm, want[i].grad_norm);
    }
    EXPECT_EQ(ahead.optimizer->steps(), 4);
    const models::Tensors one = waits.State(), other = ahead.State();
    ASSERT_EQ(one.size(), other.size());
    for (const auto& [name, tensor] : one)
      EXPECT_TRUE(torch::equal(other.at(name), tensor)) << name;
  }
}

// How often a tensor's value was asked for.
class ValueReads {
 public:
  ValueReads() : handle_(at::addGlobalCallback(at::RecordFunctionCallback(OnCall))) { reads_ = 0; }
  ~ValueReads() { at::removeCallback(handle_); }
  ValueReads(const ValueReads&) = delete;
  ValueReads& operator=(const ValueReads&) = delete;
  static int64_t count() { return reads_; }

 private:
  static std::unique_ptr<at::ObserverContext> OnCall(const at::RecordFunction& call) {
    static const std::set<std::string> names = {"aten::_local_scalar_dense", "aten::nonzero",
                                                "aten::is_nonzero", "aten::equal"};
    if (names.contains(call.name())) ++reads_;
    return nullptr;
  }

  static std::atomic<int64_t> reads_;
  at::CallbackHandle handle_;
};

std::atomic<int64_t> ValueReads::reads_{0};

int64_t ReadsOfAStep(const json& section, bool ahead) {
  Fixture fixture(section);
  if (ahead) fixture.step->RunAhead([](const std::string&) {});
  const auto take = [&](int64_t i) {
    const Computed computed = fixture.step->Backward(fixture.At(i), fixture.Inputs(i));
    ahead ? void(fixture.step->JudgeAhead(fixture.At(i), computed, {}))
          : void(fixture.step->Judge(computed, {}));
    fixture.step->Update(fixture.At(i));
  };
  take(0);
  const ValueReads reads;
  take(1);
  return reads.count();
}

TEST(Ahead, LooksAtNoValue) {
  for (const json& section : Objectives()) {
    SCOPED_TRACE(section.begin().key());
    EXPECT_EQ(ReadsOfAStep(section, true), 0);
    EXPECT_GT(ReadsOfAStep(section, false), 0);  // or the count sees nothing
  }
}

// What may be recorded and repeated gives the same at each step, and leaves nothing behind.
TEST(Ahead, RepeatableObjectivesAre) {
  int64_t repeatable = 0;
  for (const json& section : Objectives()) {
    SCOPED_TRACE(section.begin().key());
    Fixture fixture(section);
    if (!fixture.objective->repeatable()) continue;
    ++repeatable;
    const models::Tensors before = fixture.State();
    std::vector<torch::Tensor> losses;
    for (const int64_t i : {0, 7}) {
      losses.push_back(fixture.step->Backward(fixture.At(i), fixture.Inputs(0)).loss);
    }
    EXPECT_TRUE(torch::equal(losses[0], losses[1]));
    for (const auto& [name, tensor] : fixture.State()) {
      EXPECT_TRUE(torch::equal(tensor, before.at(name))) << name;
    }
  }
  EXPECT_EQ(repeatable, 2);
}

TEST(StepGraph, WithoutCudaRunsStepsAsTheyAre) {
  std::vector<std::string> said;
  StepGraph graph({}, [&](const std::string& line) { said.push_back(line); });
  int runs = 0;
  const StepBody body = [&](const std::vector<models::Tensors>& inputs) {
    ++runs;
    return Computed{.loss = inputs.at(0).at("x").sum(), .grad_norm = torch::zeros({})};
  };
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(graph.Run({{{"x", torch::ones({3})}}}, body).loss.item<float>(), 3);
  }
  EXPECT_GE(runs, 5);
  ASSERT_EQ(said.size(), 1u);
  EXPECT_TRUE(said[0].starts_with("steps are not CUDA graphs")) << said[0];
}

}  // namespace
}  // namespace ocellus::trainer
