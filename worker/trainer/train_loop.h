// The loop: load, step, guard, report, save.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "models/objective.h"
#include "worker/data/loader.h"
#include "worker/dist/communicator.h"
#include "worker/trainer/control.h"
#include "worker/trainer/guard.h"
#include "worker/trainer/history.h"
#include "worker/trainer/memory_keeper.h"
#include "worker/trainer/profile.h"
#include "worker/trainer/reporter.h"
#include "worker/trainer/save_plan.h"
#include "worker/trainer/saver.h"
#include "worker/trainer/settings.h"
#include "worker/trainer/showcase.h"
#include "worker/trainer/step.h"
#include "worker/trainer/step_clock.h"
#include "worker/trainer/training_state.h"

namespace ocellus::trainer {

// What the loop works with; nothing is owned. `history` is null on ranks other than 0.
struct LoopParts {
  const wire::Document* document = nullptr;
  Settings settings;
  int64_t total_steps = 0;
  torch::Device device = torch::kCPU;
  models::Objective* objective = nullptr;
  models::optim::Optimizer* optimizer = nullptr;
  Step* step = nullptr;
  data::Loader* loader = nullptr;
  dist::Communicator* ranks = nullptr;
  Control* control = nullptr;
  Reporter* reporter = nullptr;
  Showcase* showcase = nullptr;
  History* history = nullptr;
  Saver* saver = nullptr;
  Profile* profile = nullptr;  // null: none is wanted
  MemoryKeeper* memory = nullptr;
};

class TrainLoop {
 public:
  TrainLoop(const LoopParts& parts, const Progress& start);

  // Trains to the last step, or to the step after which all ranks agreed to stop: true then.
  bool Run();

  Progress progress() const { return {step_, guard_.skipped()}; }

 private:
  Step::Advanced Take(const models::StepContext& context, const NextInputs& next);
  void Settle(const Computed& computed);
  void Report(const Computed& computed, const Verdict& verdict);
  void TellStep(const Verdict& verdict);
  void Save();
  void KeepInMemory();
  bool Due(int64_t every_steps) const;

  LoopParts parts_;
  int64_t step_;      // finished ones
  int64_t saved_at_;  // the step of the checkpoint before
  SavePlan plan_;
  Guard guard_;
  StepClock clock_;
  std::optional<double> chance_loss_;
};

}  // namespace ocellus::trainer
