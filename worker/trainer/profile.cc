#include "worker/trainer/profile.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "models/ops/flops.h"
#include "worker/trainer/peak.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

double Seconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double>(time).count();
}

std::string Text(const char* format, auto... values) {
  char text[200];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

}  // namespace

Profile::Profile(const ProfileWish& wish, const Profiled& profiled,
                 std::function<void(const std::string&)> say)
    : wish_(wish), profiled_(profiled), say_(std::move(say)), file_(wish.file) {
  if (file_) return;
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", "--profile: cannot write " + wish.file,
                    "name a file in a folder that exists");
}

void Profile::BeginStep(int64_t step) {
  CloseStep();
  const int64_t number = step - profiled_.first_step;  // from 0
  if (number >= wish_.skip + wish_.steps) Finish();
  if (finished_ || number < wish_.skip) return;
  if (steps_.empty()) flops_before_ = models::ops::CountedFlops();
  step_ = step;
  steps_.push_back({"step", step, Clock::now(), {}});
  open_ = false;
}

void Profile::Enter(const char* phase) {
  if (step_ == 0) return;
  // A step's first phase begins with it.
  const auto begin = open_ ? CloseSpan() : steps_.back().begin;
  spans_.push_back({phase, step_, begin, {}});
  open_ = true;
}

Profile::Clock::time_point Profile::CloseSpan() {
  if (profiled_.device.is_cuda()) torch::cuda::synchronize(profiled_.device.index());
  const auto now = Clock::now();
  if (open_) spans_.back().end = now;
  open_ = false;
  return now;
}

void Profile::CloseStep() {
  if (step_ == 0) return;
  steps_.back().end = CloseSpan();
  step_ = 0;
}

void Profile::Finish() {
  CloseStep();
  if (std::exchange(finished_, true)) return;
  const double flops = models::ops::CountedFlops() - flops_before_;
  WriteTrace();
  if (!steps_.empty()) Say(flops);
}

void Profile::WriteTrace() {
  nlohmann::json events = nlohmann::json::array();
  events.push_back({{"name", "process_name"},
                    {"ph", "M"},
                    {"pid", profiled_.rank},
                    {"args", {{"name", "rank " + std::to_string(profiled_.rank)}}}});
  for (const auto* list : {&steps_, &spans_}) {
    for (const Span& span : *list) {
      events.push_back({{"name", span.phase},
                        {"cat", list == &steps_ ? "step" : "phase"},
                        {"ph", "X"},
                        {"ts", 1e6 * Seconds(span.begin - steps_[0].begin)},
                        {"dur", 1e6 * Seconds(span.end - span.begin)},
                        {"pid", profiled_.rank},
                        {"tid", 0},
                        {"args", {{"step", span.step}}}});
    }
  }
  file_ << nlohmann::json{{"displayTimeUnit", "ms"}, {"traceEvents", events}} << "\n";
  file_.close();
  if (!file_) say_("profile: the trace could not be written to " + wish_.file);
}

void Profile::Say(double flops) const {
  const auto count = static_cast<double>(steps_.size());
  const double seconds = Seconds(steps_.back().end - steps_[0].begin);
  say_(Text("profile: steps %lld to %lld, %.1f ms each%s", static_cast<long long>(steps_[0].step),
            static_cast<long long>(steps_.back().step), 1e3 * seconds / count,
            profiled_.world > 1 ? ", of rank 0" : ""));
  std::vector<std::pair<std::string, double>> shares;
  for (const Span& span : spans_) {
    auto at = std::find_if(shares.begin(), shares.end(),
                           [&](const auto& share) { return share.first == span.phase; });
    if (at == shares.end()) at = shares.insert(at, {span.phase, 0});
    at->second += Seconds(span.end - span.begin);
  }
  for (const auto& [phase, time] : shares) {
    say_(Text("profile:   %-12s %5.1f %%", phase.c_str(), 100 * time / seconds));
  }
  const Peak peak = PeakOf(profiled_.device, profiled_.compute);
  say_(Text("profile: %.3g GFLOP a sample, %.4g GFLOP/s: %.1f %% of %.4g GFLOP/s (%s)",
            flops / count / static_cast<double>(profiled_.samples_per_step) / 1e9,
            flops / seconds / 1e9, 100 * flops / seconds / peak.flops, peak.flops / 1e9,
            peak.what.c_str()));
  say_("profile: trace in " + wish_.file);
}

}  // namespace ocellus::trainer
