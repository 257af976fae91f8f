#include "worker/agent/gang.h"

#include <algorithm>
#include <csignal>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/log.h"
#include "worker/agent/rank_document.h"

namespace ocellus::agent {
namespace {

using coordinator::Log;
using coordinator::LogSeverity;

std::vector<int> Numbers(const std::vector<v1::RankPlacement>& placements) {
  std::vector<int> numbers;
  for (const v1::RankPlacement& placement : placements) numbers.push_back(placement.rank());
  return numbers;
}

std::string SpoolFolder(const Gang::Host& host, const v1::GangRef& gang) {
  return absl::StrCat(host.spool_folder, "/", gang.job_id(), "/g", gang.generation());
}

int ThreadsOf(const Gang::Host& host, const std::vector<v1::RankPlacement>& own) {
  if (host.threads > 0) return host.threads;
  if (own.empty() || own.front().gpu() < 0) return 1;
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  return std::max(1, cores / static_cast<int>(own.size()));
}

}  // namespace

Gang::Gang(v1::StartGang order, int master_port, Host* host)
    : order_(std::move(order)),
      master_port_(master_port),
      host_(host),
      courier_(std::make_unique<Courier>(order_.gang(), Numbers(OwnRanks(order_, host->node)),
                                         SpoolFolder(*host, order_.gang()), host->link,
                                         host->limits, CourierCallbacks())),
      relay_(order_.gang(), courier_.get(), host->metrics) {
  for (const v1::RankPlacement& placement : OwnRanks(order_, host->node)) {
    const int number = placement.rank();
    ranks_.push_back(
        std::make_unique<Rank>(number, ref().generation(), courier_->spool(number),
                               [this, number](const wire::Event& event) { Heard(number, event); }));
  }
}

Gang::~Gang() { *alive_ = false; }

Courier::Callbacks Gang::CourierCallbacks() {
  // Called on the courier's thread; what it wants done is done here, while the gang exists.
  const auto here = [this](auto action) {
    host_->post([alive = alive_, action = std::move(action)] {
      if (*alive) action();
    });
  };
  Courier::Callbacks callbacks;
  callbacks.granted = [this, here](const wire::CheckpointGrant& grant) {
    here([this, grant] {
      if (Rank* rank = Find(0)) rank->Send(wire::Print(grant));
    });
  };
  callbacks.settled = [this, here](const wire::CheckpointResult& result, double seconds) {
    here([this, result, seconds] { Settled(result, seconds); });
  };
  callbacks.delivered = [this, here] { here([this] { host_->delivered(ref()); }); };
  callbacks.gang_stale = [this, here] { here([this] { host_->stale(ref()); }); };
  callbacks.session_stale = [this, here](const absl::Status& status) {
    here([this, status] { host_->session_stale(status); });
  };
  return callbacks;
}

Rank* Gang::Find(int rank) {
  for (const auto& candidate : ranks_) {
    if (candidate->rank() == rank) return candidate.get();
  }
  return nullptr;
}

void Gang::Start() {
  const std::vector<v1::RankPlacement> own = OwnRanks(order_, host_->node);
  host_->metrics->Start(ref().job_id(), Numbers(own));
  memory_ = BorrowMemory();
  const auto documents = Documents(order_, host_->node, master_port_, ThreadsOf(*host_, own));
  for (size_t i = 0; i < ranks_.size(); ++i) {
    if (documents.ok()) {
      StartRank(ranks_[i].get(), (*documents)[i]);
    } else {
      FailToStart(ranks_[i]->rank(), documents.status());
    }
  }
  const auto failed = [](const auto& rank) { return !rank->running(); };
  if (std::any_of(ranks_.begin(), ranks_.end(), failed)) SignalAll(SIGKILL);
  if (!ended()) return;
  host_->metrics->End(ref().job_id(), SteadyClock::now());
  host_->memory->Ended(ref(), /*well=*/false, SteadyClock::now());
}

wire::MemoryCopy Gang::BorrowMemory() {
  if (!order_.checkpoint().memory_copy()) return {};
  const auto memory = host_->memory->Lend(ref());
  if (memory.ok()) return *memory;
  Log(LogSeverity::kWarning, "no_memory_copy",
      {{"job", ref().job_id()}, {"status", memory.status().ToString()}});
  return {};
}

void Gang::StartRank(Rank* rank, wire::Document document) {
  RankCommand command;
  command.memory_fd = memory_.fd;
  if (memory_.fd >= 0) document.memory = {kMemoryFd, memory_.generation};
  command.program = host_->trainer;
  command.arguments = {"rank"};
  command.environment = {{"OMP_NUM_THREADS", absl::StrCat(document.threads)}};
  const absl::Status status = rank->Start(command, document);
  if (!status.ok()) return FailToStart(rank->rank(), status);
  host_->ledger->Add(rank->pid());
  Log(LogSeverity::kInfo, "rank_started",
      {{"job", ref().job_id()},
       {"generation", ref().generation()},
       {"rank", rank->rank()},
       {"pid", rank->pid()}});
  v1::GangEvent event;
  event.set_rank(rank->rank());
  event.mutable_started()->set_pid(rank->pid());
  courier_->Add(std::move(event));
}

void Gang::FailToStart(int rank, const absl::Status& status) {
  Log(LogSeverity::kError, "rank_not_started",
      {{"job", ref().job_id()}, {"rank", rank}, {"status", status.ToString()}});
  courier_->End(rank, JudgeFailedStart(status));
}

v1::GangStatus Gang::Status() const {
  v1::GangStatus status;
  *status.mutable_gang() = ref();
  for (const auto& rank : ranks_) {
    v1::RankStatus* rank_status = status.add_ranks();
    rank_status->set_rank(rank->rank());
    rank_status->set_pid(rank->pid());
    rank_status->set_running(rank->running());
  }
  status.set_step(relay_.step());
  status.set_stopping(stop_.has_value());
  return status;
}

bool Gang::ended() const {
  return std::none_of(ranks_.begin(), ranks_.end(),
                      [](const auto& rank) { return rank->running(); });
}

void Gang::AddTo(std::vector<pollfd>* entries) const {
  for (const auto& rank : ranks_) rank->AddTo(entries);
}

void Gang::Heard(int rank, const wire::Event& event) {
  if (std::holds_alternative<wire::StopAck>(event.body)) unacknowledged_.erase(rank);
  if (!silent_) relay_.Handle(rank, event);
}

void Gang::Serve(SteadyTime now) {
  for (const auto& rank : ranks_) {
    if (rank->Serve()) Ended(rank.get(), now);
  }
  if (!silent_) {
    host_->metrics->LogDropped(ref().job_id(), courier_->dropped_lines());
    courier_->Wake();
  }
  KeepDeadlines(now);
}

void Gang::Ended(Rank* rank, SteadyTime now) {
  host_->ledger->Remove(rank->pid());
  unacknowledged_.erase(rank->rank());
  v1::RankEnded end = JudgeRank(rank->death());
  if (stop_ && stop_->ours && end.outcome() == "KILLED") {
    end.set_failure_class(v1::FAILURE_CLASS_COORDINATOR);
  }
  Log(EndedWell(end) ? LogSeverity::kInfo : LogSeverity::kWarning, "rank_ended",
      {{"job", ref().job_id()},
       {"generation", ref().generation()},
       {"rank", rank->rank()},
       {"outcome", end.outcome()},
       {"step", end.step()},
       {"message", end.message()}});
  if (!silent_) courier_->End(rank->rank(), end);
  all_well_ = all_well_ && EndedWell(end);
  if (ended()) {
    host_->metrics->End(ref().job_id(), now);
    host_->memory->Ended(ref(), all_well_, now);
  }
  if (EndedWell(end) || ended() || kill_at_) return;
  // Without it the others can only wait.
  SignalAll(SIGTERM);
  kill_at_ = now + host_->limits.peer_term_to_kill;
}

void Gang::Settled(const wire::CheckpointResult& result, double seconds) {
  relay_.Settled(result, seconds);
  if (Rank* rank = Find(0)) rank->Send(wire::Print(result));
}

void Gang::SignalAll(int signal_number) {
  for (const auto& rank : ranks_) rank->Kill(signal_number);
}

}  // namespace ocellus::agent
