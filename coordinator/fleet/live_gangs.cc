#include "coordinator/fleet/live_gangs.h"

#include <algorithm>

namespace ocellus::coordinator {
namespace {

constexpr size_t kDurationsKept = 64;

}  // namespace

absl::Duration LiveGang::median_step() const {
  if (step_durations.empty()) {
    return absl::ZeroDuration();
  }
  std::vector<absl::Duration> sorted(step_durations.begin(), step_durations.end());
  const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
  std::nth_element(sorted.begin(), middle, sorted.end());
  return *middle;
}

std::string LiveGang::pause() const {
  for (const auto& [number, rank] : ranks) {
    if (!rank.phase.empty() && rank.phase != "train") {
      return rank.phase;
    }
  }
  return "";
}

LiveGang& LiveGangs::Entry(const v1::GangRef& gang) {
  LiveGang& live = gangs_[gang.job_id()];
  if (live.generation != gang.generation()) {
    live = LiveGang{};
    live.generation = gang.generation();
    live.first_heard = live.moved_at = live.step_at = clock_->Monotonic();
  }
  return live;
}

void LiveGangs::Announce(const std::string& node, const v1::GangStatus& status) {
  std::lock_guard lock(mutex_);
  LiveGang& live = Entry(status.gang());
  live.announced[node] = {clock_->Monotonic(), status.stopping()};
  for (const auto& rank : status.ranks()) {
    live.ranks[rank.rank()].started |= rank.running();
  }
}

void LiveGangs::Started(const v1::GangRef& gang, int rank) {
  {
    std::lock_guard lock(mutex_);
    Entry(gang).ranks[rank].started = true;
  }
  changes_.Notify();
}

void LiveGangs::Progressed(const v1::GangRef& gang, int rank, const v1::Progress& progress) {
  {
    std::lock_guard lock(mutex_);
    LiveGang& live = Entry(gang);
    const absl::Duration now = clock_->Monotonic();
    LiveRank& entry = live.ranks[rank];
    entry.started = true;
    if (entry.phase != progress.phase()) {
      entry.phase = progress.phase();
      live.moved_at = now;
    }
    entry.step = std::max(entry.step, progress.step());
    if (progress.step() > live.step) {
      if (live.step > 0) {
        live.step_durations.push_back((now - live.step_at) / (progress.step() - live.step));
        if (live.step_durations.size() > kDurationsKept) {
          live.step_durations.pop_front();
        }
      } else {
        live.first_step = progress.step();
      }
      live.step = progress.step();
      live.step_at = live.moved_at = now;
    }
    if (rank == 0) {
      live.progress = progress;
      if (progress.step() > 0) trails_[gang.job_id()].Add(progress.step(), progress.loss());
    }
  }
  changes_.Notify();
}

void LiveGangs::StopAcked(const v1::GangRef& gang, int rank, int64_t step) {
  {
    std::lock_guard lock(mutex_);
    Entry(gang).stop_acks[rank] = step;
  }
  changes_.Notify();
}

void LiveGangs::Forget(const std::string& job_id) {
  std::lock_guard lock(mutex_);
  gangs_.erase(job_id);
  trails_.erase(job_id);
}

std::optional<LiveGang> LiveGangs::Get(const std::string& job_id, int64_t generation) const {
  std::lock_guard lock(mutex_);
  const auto found = gangs_.find(job_id);
  if (found == gangs_.end() || found->second.generation != generation) {
    return std::nullopt;
  }
  return found->second;
}

std::vector<LossPoint> LiveGangs::Trail(const std::string& job_id) const {
  std::lock_guard lock(mutex_);
  const auto found = trails_.find(job_id);
  return found == trails_.end() ? std::vector<LossPoint>{} : found->second.points();
}

}  // namespace ocellus::coordinator
