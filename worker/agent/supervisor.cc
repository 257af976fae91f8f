#include "worker/agent/supervisor.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/strip.h"
#include "coordinator/base/log.h"
#include "worker/agent/free_port.h"
#include "worker/agent/rank_document.h"

namespace ocellus::agent {
namespace {

using coordinator::Log;
using coordinator::LogSeverity;

// How often deadlines without a wake-up of their own are looked at.
constexpr Millis kTick{1000};
// Ranks that train unseen have no checkpoint to make: nobody would commit it.
constexpr Millis kOrphanGrace{30000};

bool Same(const v1::GangRef& a, const v1::GangRef& b) {
  return a.job_id() == b.job_id() && a.generation() == b.generation();
}

StopWish WishOf(const v1::StopGang& order, const Limits& limits) {
  const std::string cause = v1::JobReason_Name(order.cause());
  StopWish wish;
  wish.cause = std::string(absl::StripPrefix(cause, "JOB_REASON_"));
  wish.grace = Millis(order.grace().seconds() * 1000 + order.grace().nanos() / 1'000'000);
  wish.term_to_kill = limits.term_to_kill;
  wish.checkpoint = order.want_checkpoint();
  wish.stacks =
      order.cause() == v1::JOB_REASON_HANG || order.cause() == v1::JOB_REASON_START_TIMEOUT;
  return wish;
}

bool AnyRunning(const std::vector<v1::GangStatus>& gangs) {
  for (const v1::GangStatus& gang : gangs) {
    for (const v1::RankStatus& rank : gang.ranks()) {
      if (rank.running()) return true;
    }
  }
  return false;
}

}  // namespace

Supervisor::Supervisor(Gang::Host host)
    : host_(std::move(host)), wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  host_.post = [this](std::function<void()> task) { Post(std::move(task)); };
  host_.delivered = [this](const v1::GangRef& gang) { Remove(gang); };
  host_.stale = [this](const v1::GangRef& gang) {
    if (Entry* entry = Find(gang)) entry->gang->Kill(/*silent=*/true);
  };
  thread_ = std::thread([this] { Run(); });
}

Supervisor::~Supervisor() {
  Halt();
  close(wake_fd_);
}

void Supervisor::Halt() {
  {
    const std::lock_guard lock(mutex_);
    halting_ = true;
  }
  Post([] {});
  if (thread_.joinable()) thread_.join();
}

void Supervisor::Post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(task));
  }
  const uint64_t one = 1;
  // It fails only when the counter is full, and then the thread is awake anyway.
  if (write(wake_fd_, &one, sizeof(one)) < 0) return;
}

void Supervisor::Take(const v1::SessionResponse& order) {
  Post([this, order] {
    if (order.has_start()) Start(order.start());
    if (order.has_stop()) {
      Entry* entry = Find(order.stop().gang());
      if (entry) entry->gang->Stop(WishOf(order.stop(), host_.limits), SteadyClock::now());
    }
    if (order.has_kill()) {
      Entry* entry = Find(order.kill().gang());
      if (entry) entry->gang->Kill(/*silent=*/false);
    }
  });
}

void Supervisor::KillStale(const v1::GangRef& gang) {
  Post([this, gang] { host_.stale(gang); });
}

void Supervisor::StopAll(const StopWish& wish) {
  Post([this, wish] {
    closed_ = true;
    for (Entry& entry : entries_) entry.gang->Stop(wish, SteadyClock::now());
  });
}

std::vector<v1::GangStatus> Supervisor::Gangs() const {
  const std::lock_guard lock(mutex_);
  return board_;
}

bool Supervisor::WaitEnded(Millis timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return !AnyRunning(board_); });
}

bool Supervisor::WaitDelivered(Millis timeout) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, timeout, [this] { return board_.empty(); });
}

void Supervisor::Run() {
  for (;;) {
    WaitForWork();
    RunPosted();
    ServeGangs();
    StartReady();
    StopOrphans();
    Publish();
    const std::lock_guard lock(mutex_);
    if (halting_) break;
  }
  entries_.clear();  // SIGKILLs
  Publish();
}

void Supervisor::WaitForWork() {
  std::vector<pollfd> entries = {{wake_fd_, POLLIN, 0}};
  SteadyTime until = SteadyClock::now() + kTick;
  for (const Entry& entry : entries_) {
    entry.gang->AddTo(&entries);
    until = std::min(until, entry.gang->NextDeadline());
  }
  const auto left = std::chrono::ceil<Millis>(until - SteadyClock::now());
  poll(entries.data(), entries.size(), static_cast<int>(std::max<int64_t>(left.count(), 0)));
  uint64_t count;
  if (read(wake_fd_, &count, sizeof(count)) < 0) return;  // nothing was posted
}

void Supervisor::RunPosted() {
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(posted_);
  }
  for (const auto& task : tasks) task();
}

void Supervisor::ServeGangs() {
  const SteadyTime now = SteadyClock::now();
  for (Entry& entry : entries_) entry.gang->Serve(now);
  std::erase_if(entries_,
                [](const Entry& entry) { return entry.gang->silent() && entry.gang->ended(); });
  host_.metrics->Sweep(now);
  host_.memory->Sweep(now);
}

void Supervisor::Publish() {
  std::vector<v1::GangStatus> board;
  for (const Entry& entry : entries_) board.push_back(entry.gang->Status());
  {
    const std::lock_guard lock(mutex_);
    board_ = std::move(board);
  }
  changed_.notify_all();
}

void Supervisor::StopOrphans() {
  const Millis silent = host_.link->SilentFor();
  if (silent <= host_.limits.orphan_timeout) {
    orphaned_ = false;
    return;
  }
  if (std::exchange(orphaned_, true) || entries_.empty()) return;
  Log(LogSeverity::kError, "orphaned",
      {{"silent_s", silent.count() / 1000},
       {"hint",
        "no coordinator for so long: the ranks stop; start it again and their jobs resume "
        "from the last checkpoint"}});
  for (Entry& entry : entries_) {
    entry.gang->Stop({.cause = "ORPHANED",
                      .grace = kOrphanGrace,
                      .term_to_kill = host_.limits.term_to_kill,
                      .ours = true},
                     SteadyClock::now());
  }
}

void Supervisor::Start(const v1::StartGang& order) {
  if (closed_) return;
  const v1::GangRef& gang = order.gang();
  int64_t& newest = newest_[gang.job_id()];
  if (gang.generation() <= newest) return;  // sent again
  newest = gang.generation();
  if (OwnRanks(order, host_.node).empty()) {
    Log(LogSeverity::kWarning, "gang_not_ours", {{"job", gang.job_id()}, {"node", host_.node}});
    return;
  }
  std::set<int> ports;
  for (Entry& entry : entries_) {
    ports.insert(entry.gang->master_port());
    if (entry.gang->ref().job_id() == gang.job_id()) entry.gang->Kill(/*silent=*/true);
  }
  int port = order.master_port();
  if (port == 0) port = FreePort(ports).value_or(0);  // 0 is told as the gang's failure
  entries_.push_back({std::make_unique<Gang>(order, port, &host_), false});
}

void Supervisor::StartReady() {
  for (Entry& entry : entries_) {
    const auto in_the_way = [&](const Entry& other) {
      return &other != &entry && other.gang->ref().job_id() == entry.gang->ref().job_id() &&
             !other.gang->ended();
    };
    if (entry.started || std::any_of(entries_.begin(), entries_.end(), in_the_way)) continue;
    entry.started = true;
    entry.gang->Start();
  }
}

Supervisor::Entry* Supervisor::Find(const v1::GangRef& gang) {
  for (Entry& entry : entries_) {
    if (!Same(entry.gang->ref(), gang)) continue;
    if (!std::exchange(entry.started, true)) entry.gang->Start();
    return &entry;
  }
  return nullptr;
}

void Supervisor::Remove(const v1::GangRef& gang) {
  std::erase_if(entries_, [&](const Entry& entry) { return Same(entry.gang->ref(), gang); });
}

}  // namespace ocellus::agent
