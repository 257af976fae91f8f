#include "worker/trainer/train.h"

#include <utility>

#include "models/optim/optimizer.h"
#include "worker/trainer/agreement.h"
#include "worker/trainer/exit_record.h"
#include "worker/trainer/initial_state.h"
#include "worker/trainer/inputs.h"
#include "worker/trainer/numerics.h"
#include "worker/trainer/plan.h"
#include "worker/trainer/saving.h"
#include "worker/trainer/train_loop.h"
#include "worker/trainer/weights_export.h"

namespace ocellus::trainer {
namespace {

// A coordinator may be away for so long before the last checkpoint is given up.
constexpr std::chrono::seconds kLastCommitLimit{900};

// All parts of a rank, built in the order in which trouble is cheapest to find.
class Rank {
 public:
  Rank(const wire::Document& document, const Meeting& meeting, Control& control, Reporter& reporter,
       const std::optional<ProfileWish>& profile)
      : document_(document),
        settings_(ReadSettings(document.spec)),
        control_(control),
        reporter_(reporter),
        device_(DeviceOf(document)),
        meeting_(meeting),
        profile_wish_(profile) {}

  wire::ExitRecord Run();

 private:
  bool first() const { return document_.rank == 0; }
  void OpenData();
  void WarnOfMissingMasks();
  void BuildModel();
  void Join();
  int64_t StoredStep(const std::optional<Progress>& restored, bool from_memory) const;
  void SaveForGood(const checkpoint::Manifest& manifest, std::function<void()> curve);
  void StartLoader();
  LoopParts Parts();
  std::unique_ptr<Profile> MakeProfile();
  wire::ExitRecord Stopped(const Progress& progress);
  wire::ExitRecord Succeeded(const Progress& progress);

  const wire::Document& document_;
  Settings settings_;
  Control& control_;
  Reporter& reporter_;
  torch::Device device_;
  Meeting meeting_;
  std::optional<ProfileWish> profile_wish_;

  std::shared_ptr<const data::Dataset> training_set_, validation_set_;
  models::optim::Schedule schedule_;
  std::unique_ptr<models::Objective> objective_;
  std::unique_ptr<models::optim::Optimizer> optimizer_;
  std::unique_ptr<store::ObjectStore> store_;
  std::unique_ptr<dist::Communicator> ranks_;
  std::unique_ptr<MemoryKeeper> memory_;
  Progress start_;
  std::unique_ptr<Profile> profile_;
  std::unique_ptr<Step> step_;
  std::unique_ptr<data::Loader> loader_;
  std::unique_ptr<Artifacts> artifacts_;
  std::unique_ptr<Evaluation> evaluation_;
  std::unique_ptr<Showcase> showcase_;
  std::unique_ptr<History> history_;
  Saving saving_;
};

void Rank::OpenData() {
  const nlohmann::json& spec = document_.spec;
  const auto warn = [this](const std::string& line) { reporter_.Log("warning", line); };
  training_set_ = OpenTrainingSet(spec.at("data"), warn);
  validation_set_ = OpenValidationSet(spec.at("data"), warn);
  if (first() && document_.restore.empty()) WarnOfMissingMasks();
  const int64_t per_epoch = StepsPerEpoch(training_set_->size(), settings_.global_batch,
                                          settings_.accumulate, document_.world);
  const double peak = models::optim::PeakRate(spec.at("optimizer"), settings_.global_batch);
  schedule_ = models::optim::MakeSchedule(ScheduleInSteps(spec.at("schedule"), per_epoch), peak);
}

void Rank::WarnOfMissingMasks() {
  const auto warning = MissingMasks(document_.spec.at("data"), *training_set_);
  if (!warning) return;
  reporter_.Tell(wire::Alarm{"no_masks", 0, *warning});
  reporter_.Log("warning", *warning);
}

void Rank::BuildModel() {
  objective_ = MakeRandomObjective(document_.spec, device_);
  const auto weights = document_.spec.at("init").at("weights").get<std::string>();
  if (document_.restore.empty() && !weights.empty()) LoadStartingWeights(*objective_, weights);
}

void Rank::Join() {
  store_ = store::OpenStore(document_.store);
  ranks_ = std::make_unique<dist::Communicator>(MembershipOf(document_, meeting_), device_);
  optimizer_ = models::optim::MakeOptimizer(document_.spec.at("optimizer"), objective_->module(),
                                            ranks_.get());
  memory_ = std::make_unique<MemoryKeeper>(document_);
  auto restored = memory_->Restore(*objective_, *optimizer_, *ranks_, reporter_);
  const bool from_memory = restored.has_value();
  if (!from_memory) {
    restored = RestoreState(document_, *store_, *objective_, *optimizer_, *ranks_, reporter_);
  }
  start_ = restored.value_or(Progress{});
  if (profile_wish_) profile_ = MakeProfile();
  step_ = std::make_unique<Step>(*objective_, *optimizer_, schedule_, *ranks_, settings_.accumulate,
                                 settings_.guard.clip_norm, profile_.get());
  if (device_.is_cuda()) step_->RunAhead([this](auto& line) { reporter_.Log("info", line); });
  if (first()) {
    artifacts_ = std::make_unique<Artifacts>(store_.get(), document_.prefix, &reporter_);
    history_ = std::make_unique<History>(schedule_.total_steps,
                                         objective_->chance_loss(settings_.micro_batch()));
    if (restored) {
      history_->Restore(from_memory ? memory_->notes() : artifacts_->Get("history.jsonl"),
                        start_.step);
    }
  }
  saving_ = MakeSaving(document_, store_.get(), &control_, &reporter_, *ranks_, device_,
                       StoredStep(restored, from_memory));
  const wire::CheckpointSettings& settings = document_.checkpoint;
  if (settings.every_steps > 0 || settings.auto_interval) {
    optimizer_->Gather();
    saving_.saver->Prepare(StateSources(*objective_, *optimizer_));
  }
  evaluation_ = std::make_unique<Evaluation>(document_.spec, training_set_, validation_set_,
                                             ranks_.get(), device_);
  showcase_ = std::make_unique<Showcase>(document_.spec, document_.name, evaluation_.get(),
                                         artifacts_.get(), &reporter_);
}

// The step of the newest checkpoint in the store, as far as this rank knows.
int64_t Rank::StoredStep(const std::optional<Progress>& restored, bool from_memory) const {
  if (!from_memory) return restored ? restored->step : -1;
  return document_.restore.empty() ? -1 : document_.restore.front().step;
}

void Rank::StartLoader() {
  const auto options = TrainingLoader(document_.spec.at("data"), settings_, objective_->inputs(),
                                      document_.rank, document_.world);
  loader_ = data::MakeLoader(training_set_, options, start_.step, HostMemory(device_),
                             [this](const std::string& line) { reporter_.Log("warning", line); });
}

LoopParts Rank::Parts() {
  return {&document_,     settings_,           schedule_.total_steps,
          device_,        objective_.get(),    optimizer_.get(),
          step_.get(),    loader_.get(),       ranks_.get(),
          &control_,      &reporter_,          showcase_.get(),
          history_.get(), saving_.saver.get(), profile_.get(),
          memory_.get()};
}

std::unique_ptr<Profile> Rank::MakeProfile() {
  const Profiled profiled{.rank = document_.rank,
                          .world = document_.world,
                          .first_step = start_.step + 1,
                          .samples_per_step = settings_.global_batch / document_.world,
                          .device = device_,
                          .compute = settings_.bf16 ? torch::kBFloat16 : torch::kFloat32};
  return std::make_unique<Profile>(*profile_wish_, profiled, [this](const std::string& line) {
    if (first()) reporter_.Log("info", line);
  });
}

wire::ExitRecord Rank::Run() {
  ConfigureNumerics(document_.threads);
  LeaveDefaultStream(device_);
  reporter_.Tell(wire::Phase{"data"});
  OpenData();
  reporter_.Tell(wire::Phase{"init"});
  BuildModel();
  Join();
  control_.FinishStep(start_.step);
  control_.EnterStep(start_.step);
  if (start_.step == 0) {
    reporter_.Tell(wire::Phase{"eval"});
    showcase_->Look(*objective_, 0);
  }
  StartLoader();

  TrainLoop loop(Parts(), start_);
  const bool stopped = loop.Run();
  optimizer_->Gather();
  wire::ExitRecord record = stopped ? Stopped(loop.progress()) : Succeeded(loop.progress());
  if (first()) saving_.leader->Finish();
  if (first()) artifacts_->Finish();
  return record;
}

void Rank::SaveForGood(const checkpoint::Manifest& manifest, std::function<void()> curve) {
  saving_.saver->SaveForGood(StateSources(*objective_, *optimizer_), manifest, std::move(curve),
                             kLastCommitLimit);
  // Rank 0 keeps what the ranks tell each other: it stays until all have heard of the end.
  AllSay(*ranks_, device_, true);
}

wire::ExitRecord Rank::Stopped(const Progress& progress) {
  const auto stop = control_.stop().value_or(wire::Stop{"", 0, true});
  std::function<void()> curve;
  if (first()) curve = showcase_->CurveOf(*history_);
  const bool unsaved = first() && saving_.leader->committed_step() < progress.step;
  if (OfFirst(*ranks_, device_, stop.checkpoint && unsaved)) {
    reporter_.Tell(wire::Phase{"checkpoint"});
    SaveForGood(StateManifest(document_, progress), curve);
  } else if (first()) {
    curve();
  }
  return {wire::FaultClass::kNone, "STOPPED_AT",
          "stopped after step " + std::to_string(progress.step) +
              (stop.cause.empty() ? "" : " (" + stop.cause + ")"),
          "", progress.step};
}

wire::ExitRecord Rank::Succeeded(const Progress& progress) {
  loader_.reset();
  const auto manifest = StateManifest(document_, progress);
  const bool unsaved = first() && saving_.leader->committed_step() < progress.step;
  const bool save = OfFirst(*ranks_, device_, unsaved);
  if (first()) showcase_->PublishCurve(*history_);
  // The last checkpoint is written while the model is looked at.
  std::function<void()> curve;
  if (first()) curve = showcase_->CurveOf(*history_);
  if (save && AllSay(*ranks_, device_, saving_.saver->MakeRoom())) {
    saving_.saver->Save(StateSources(*objective_, *optimizer_), manifest, curve);
  }
  reporter_.Tell(wire::Phase{"eval"});
  showcase_->Conclude(*objective_, progress.step, device_);
  if (first()) {
    reporter_.Tell(wire::Phase{"export"});
    CardFacts facts = FactsOf(manifest);
    facts.name = document_.name;
    facts.project = document_.project;
    facts.data_samples = training_set_->size();
    PublishEncoder(*objective_, std::move(facts), artifacts_.get());
  }
  if (save) {
    reporter_.Tell(wire::Phase{"checkpoint"});
    SaveForGood(manifest, curve);
  }
  return {wire::FaultClass::kNone, "SUCCEEDED",
          "trained " + std::to_string(progress.step) + " steps, " +
              std::to_string(progress.skipped) + " of them skipped",
          "", progress.step};
}

}  // namespace

wire::ExitRecord Train(const wire::Document& document, const Meeting& meeting, Control& control,
                       Reporter& reporter, const std::optional<ProfileWish>& profile) {
  try {
    // Never deleted: after a fault, destructors would wait for peers that are gone.
    auto* rank = new Rank(document, meeting, control, reporter, profile);
    return rank->Run();
  } catch (...) {
    return RecordOfCurrentException(control.finished());
  }
}

}  // namespace ocellus::trainer
