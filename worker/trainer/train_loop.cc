#include "worker/trainer/train_loop.h"

#include <chrono>
#include <functional>
#include <limits>

#include "worker/trainer/agreement.h"
#include "worker/trainer/inputs.h"

namespace ocellus::trainer {

TrainLoop::TrainLoop(const LoopParts& parts, const Progress& start)
    : parts_(parts),
      step_(start.step),
      saved_at_(start.step),
      plan_(parts.document->checkpoint, start.step, parts.ranks->rank() == 0),
      guard_(parts.settings.guard, start.skipped),
      chance_loss_(parts.objective->chance_loss(parts.settings.micro_batch())) {}

bool TrainLoop::Run() {
  const LoopParts& p = parts_;
  const auto next_inputs = [&] {
    Enter(p.profile, "data wait");
    const data::HostBatch batch = p.loader->Next();
    Enter(p.profile, "copy");
    return ToTensors(batch, p.device);
  };

  p.reporter->Tell(wire::Phase{"train"});
  clock_.Restart(p.loader->wait_seconds(), p.ranks->wait_seconds());
  bool stopped = false;
  while (step_ < p.total_steps) {
    if (p.profile) p.profile->BeginStep(step_ + 1);
    // Load; forward and backward of every micro-batch, while finished gradients travel.
    p.control->EnterStep(step_ + 1);
    const models::StepContext context{.step = step_,
                                      .total_steps = p.total_steps,
                                      .collectives = p.ranks,
                                      .seed = p.settings.seed};
    // Guard: what is not finite reaches no parameter, on no rank.
    const auto [computed, verdict] = Take(context, next_inputs);
    p.control->FinishStep(++step_);

    // Report.
    Enter(p.profile, "report");
    clock_.Tick(p.loader->wait_seconds(), p.ranks->wait_seconds());
    if (verdict) Report(computed, *verdict);

    // Look at what has been learned, and save, with what was found.
    stopped = verdict && verdict->stop;
    const bool last = stopped || step_ == p.total_steps;
    const bool save = !last && plan_.Due(step_, verdict && verdict->save);
    const bool keep = !stopped && p.memory && plan_.MemoryDue(step_, save);
    const bool look = Due(p.settings.eval.every_steps);
    const bool check = !look && Due(p.settings.eval.collapse.every_steps);
    if (last || save || keep || look || check) Settle(computed);
    if (stopped) break;
    p.saver->Advance();
    if (look || check) Enter(p.profile, "evaluation");
    if (look || check) p.reporter->Tell(wire::Phase{"eval"});
    if (look) p.showcase->Look(*p.objective, step_);
    if (check) p.showcase->CheckHealth(*p.objective, step_);
    if (save) Enter(p.profile, "checkpoint");
    if (save) Save();
    if (keep) KeepInMemory();
    if (save || look || check) {
      p.reporter->Tell(wire::Phase{"train"});
      clock_.Restart(p.loader->wait_seconds(), p.ranks->wait_seconds());
    }
  }
  if (p.profile) p.profile->Finish();
  return stopped;
}

// One step, and the verdict that there is: its own, or ahead the one before's, if any.
Step::Advanced TrainLoop::Take(const models::StepContext& context, const NextInputs& next) {
  const LoopParts& p = parts_;
  const auto wishes = [&] {
    return Votes{.stop = p.control->stop().has_value(), .save = plan_.Wishes(step_ + 1)};
  };
  Step::Advanced taken;
  if (p.step->runs_ahead()) {
    taken = p.step->Advance(context, next, wishes());
  } else {
    taken.computed = p.step->Backward(context, next);
    taken.verdict = p.step->Judge(taken.computed, wishes());
    taken.verdict->step = context.step;
  }
  if (taken.verdict && !taken.verdict->finite) {
    guard_.Refused(taken.verdict->step + 1, taken.verdict->loss, taken.verdict->grad_norm);
  }
  if (!p.step->runs_ahead() && taken.verdict->finite) p.step->Update(context);
  return taken;
}

// The verdict of the newest step, where it is still to come.
void TrainLoop::Settle(const Computed& computed) {
  const std::optional<Verdict> verdict = parts_.step->Settle();
  if (!verdict) return;
  if (!verdict->finite) guard_.Refused(verdict->step + 1, verdict->loss, verdict->grad_norm);
  Report(computed, *verdict);
}

bool TrainLoop::Due(int64_t every_steps) const {
  return every_steps > 0 && step_ % every_steps == 0 && step_ < parts_.total_steps;
}

void TrainLoop::Save() {
  const LoopParts& p = parts_;
  p.reporter->Tell(wire::Phase{"checkpoint"});
  const auto start = std::chrono::steady_clock::now();
  if (AllSay(*p.ranks, p.device, p.saver->MakeRoom())) {
    p.optimizer->Gather();
    checkpoint::Manifest manifest = StateManifest(*p.document, progress());
    manifest.metrics = p.showcase->latest();
    const auto loss = p.history ? p.history->MeanLossSince(saved_at_) : std::nullopt;
    if (loss) manifest.metrics["loss"] = *loss;
    std::function<void()> curve;
    if (p.history) curve = p.showcase->CurveOf(*p.history);
    p.saver->Save(StateSources(*p.objective, *p.optimizer), manifest, curve);
  } else {
    p.saver->LeaveOut(step_);
  }
  const std::chrono::duration<double> stall = std::chrono::steady_clock::now() - start;
  saved_at_ = step_;
  if (!p.history) return;  // rank 0 plans
  const double before = plan_.interval_s();
  plan_.Saved(step_, stall.count());
  if (plan_.interval_s() != before) {
    p.reporter->Tell(wire::Metric{"checkpoint_interval_s", plan_.interval_s(), step_});
  }
}

void TrainLoop::KeepInMemory() {
  const LoopParts& p = parts_;
  p.optimizer->Gather();
  if (!p.memory->writes()) return;
  p.memory->Write(*p.objective, *p.optimizer, progress(), p.history ? p.history->ToText() : "",
                  *p.reporter);
}

void TrainLoop::Report(const Computed& computed, const Verdict& verdict) {
  const LoopParts& p = parts_;
  const int64_t step = verdict.step + 1;
  if (p.history) {
    p.history->Add(
        {step, verdict.loss, p.step->Rate(verdict.step), verdict.grad_norm, !verdict.finite});
  }
  if (!verdict.finite) {
    p.reporter->Log(
        "warning", "step " + std::to_string(step) + " skipped: its loss or gradient is not finite");
  }
  TellStep(verdict);
  if (p.ranks->rank() != 0 || step % p.settings.report_every_steps != 0) return;
  for (const auto& [name, value] : computed.metrics) {
    p.reporter->Tell(wire::Metric{name, value, step});
  }
}

void TrainLoop::TellStep(const Verdict& verdict) {
  const LoopParts& p = parts_;
  const bool first_rank = p.ranks->rank() == 0;
  if (!first_rank && !clock_.QuietForLong()) return;
  wire::Step event;
  event.step = verdict.step + 1;
  event.total_steps = p.total_steps;
  event.loss = verdict.finite ? verdict.loss : std::numeric_limits<double>::quiet_NaN();
  event.lr = p.step->Rate(verdict.step);
  event.grad_norm = verdict.grad_norm;
  event.samples = event.step * p.settings.global_batch;
  event.skipped = guard_.skipped();
  event.step_s = clock_.step_seconds();
  event.data_wait_s = clock_.data_wait_seconds();
  event.collective_wait_s = clock_.collective_wait_seconds();
  event.chance_loss = chance_loss_;
  event.images_per_s = clock_.steps_per_second() * static_cast<double>(p.settings.global_batch);
  p.reporter->Tell(event);
  if (first_rank && event.step % p.settings.report_every_steps == 0) {
    p.reporter->Log("info", ProgressLine(event));
  }
}

}  // namespace ocellus::trainer
