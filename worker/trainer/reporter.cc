#include "worker/trainer/reporter.h"

#include <unistd.h>

#include <chrono>
#include <cmath>

namespace ocellus::trainer {
namespace {

constexpr std::chrono::milliseconds kProgressEvery{200};

double UnixSeconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

std::string DurationText(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(seconds));
  if (whole < 60) return std::to_string(whole) + "s";
  if (whole < 3600) return std::to_string(whole / 60) + "m" + std::to_string(whole % 60) + "s";
  return std::to_string(whole / 3600) + "h" + std::to_string(whole % 3600 / 60) + "m";
}

}  // namespace

void Reporter::Tell(wire::EventBody body) {
  const std::lock_guard lock(mutex_);
  if (!closed_) Write(body);
}

void Reporter::Log(const std::string& level, const std::string& text) {
  Tell(wire::Log{level, text});
}

void Reporter::Exit(const wire::ExitRecord& record) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  closed_ = true;
  Write(record);
}

void PipeReporter::Write(const wire::EventBody& body) {
  if (!lines_.Write(wire::Print(wire::Event{rank_, UnixSeconds(), body})) && errno == EPIPE) {
    _exit(1);
  }
}

TerminalReporter::TerminalReporter(int rank) : rank_(rank), in_place_(isatty(STDOUT_FILENO)) {}

void TerminalReporter::Write(const wire::EventBody& body) {
  if (const auto* step = std::get_if<wire::Step>(&body)) return ShowProgress(*step);
  if (const auto* log = std::get_if<wire::Log>(&body)) {
    if (log->level == "warning" || log->level == "error") {
      return ShowLine(stderr, log->level + ": " + log->text);
    }
    // On a terminal the line in place says the same.
    if (rank_ == 0 && log->level == "info" && !in_place_) ShowLine(stdout, log->text);
  } else if (const auto* damaged = std::get_if<wire::Damaged>(&body)) {
    ShowLine(stderr, "warning: checkpoint refused: " + damaged->uri + ": " + damaged->fault);
  } else if (const auto* restored = std::get_if<wire::Restored>(&body)) {
    ShowLine(stdout,
             "resumed after step " + std::to_string(restored->step) + " from " + restored->uri);
  } else if (const auto* failed = std::get_if<wire::CheckpointFailed>(&body)) {
    ShowLine(stderr, "warning: checkpoint of step " + std::to_string(failed->step) +
                         " failed: " + failed->reason);
  } else if (const auto* exit = std::get_if<wire::ExitRecord>(&body)) {
    if (exit->fault_class == wire::FaultClass::kNone) {
      if (rank_ == 0) ShowLine(stdout, exit->outcome + " at step " + std::to_string(exit->step));
    } else {
      const std::string hint = exit->hint.empty() ? "" : "; " + exit->hint;
      const std::string who = rank_ == 0 ? "" : "rank " + std::to_string(rank_) + ": ";
      ShowLine(stderr, who + "error: " + exit->message + hint);
    }
  }
}

void TerminalReporter::ShowProgress(const wire::Step& step) {
  if (rank_ != 0 || !in_place_) return;
  const auto now = std::chrono::steady_clock::now();
  const bool last = step.step == step.total_steps;
  if (!last && now - last_progress_ < kProgressEvery) return;
  last_progress_ = now;
  std::fprintf(stdout, "\r\033[K%s", ProgressLine(step).c_str());
  std::fflush(stdout);
  line_open_ = true;
}

void TerminalReporter::ShowLine(std::FILE* to, const std::string& line) {
  if (line_open_) std::fputs("\n", stdout);
  line_open_ = false;
  std::fflush(stdout);
  std::fprintf(to, "%s\n", line.c_str());
  std::fflush(to);
}

std::string ProgressLine(const wire::Step& step) {
  char text[160], chance[48] = "";
  if (step.chance_loss) std::snprintf(chance, sizeof(chance), " (chance %.4g)", *step.chance_loss);
  std::snprintf(text, sizeof(text), "step %lld/%lld  loss %.4f%s  lr %.2e  %.0f images/s",
                static_cast<long long>(step.step), static_cast<long long>(step.total_steps),
                step.loss, chance, step.lr, step.images_per_s);
  std::string line = text;
  if (step.skipped > 0) line += "  " + std::to_string(step.skipped) + " skipped";
  const double images_left = static_cast<double>(step.samples) / static_cast<double>(step.step) *
                             static_cast<double>(step.total_steps - step.step);
  if (step.images_per_s > 0) line += "  ETA " + DurationText(images_left / step.images_per_s);
  return line;
}

}  // namespace ocellus::trainer
