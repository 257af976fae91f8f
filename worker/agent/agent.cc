#include "worker/agent/agent.h"

#include <unistd.h>

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/endpoint_file.h"
#include "coordinator/base/log.h"
#include "coordinator/base/protocol.h"
#include "coordinator/base/random_id.h"
#include "coordinator/base/status_macros.h"
#include "worker/agent/inventory.h"

namespace ocellus::agent {
namespace {

using coordinator::Log;
using coordinator::LogSeverity;

std::string LedgerPath(const AgentOptions& options) { return options.data_dir + "/ranks.json"; }
std::string SpoolFolder(const AgentOptions& options) { return options.data_dir + "/spool"; }

}  // namespace

Agent::Agent(const AgentOptions& options)
    : options_(options),
      train_metrics_(&metrics_, options.limits),
      memory_(options.limits),
      ledger_(LedgerPath(options)),
      link_(options.node, options.limits) {}

absl::StatusOr<std::unique_ptr<Agent>> Agent::Start(const AgentOptions& options) {
  std::unique_ptr<Agent> agent(new Agent(options));
  OCELLUS_RETURN_IF_ERROR(agent->Prepare());
  agent->Launch();
  return agent;
}

absl::Status Agent::Prepare() {
  if (access(options_.trainer.c_str(), X_OK) != 0) {
    return absl::FailedPreconditionError(absl::StrCat(
        "no trainer at ", options_.trainer, "; build ocellus-trainer or give --trainer PATH"));
  }
  OCELLUS_ASSIGN_OR_RETURN(lock_,
                           coordinator::LockFile::Acquire(options_.data_dir, "ocellus-worker"));
  OCELLUS_ASSIGN_OR_RETURN(const int killed, RankLedger::KillLeftovers(LedgerPath(options_)));
  if (killed > 0) Log(LogSeverity::kWarning, "leftover_ranks_killed", {{"count", killed}});
  // What an earlier process spooled belongs to gangs that are over.
  std::error_code ignored;
  std::filesystem::remove_all(SpoolFolder(options_), ignored);
  coordinator::SetBuildInfo(&metrics_);
  gpu_metrics_ = std::make_unique<GpuMetrics>(&metrics_, options_.limits, Nvml::DefaultLibrary());
  if (!options_.metrics_listen.empty()) {
    OCELLUS_ASSIGN_OR_RETURN(metrics_server_,
                             coordinator::MetricsServer::Start(options_.metrics_listen, metrics_));
  }
  IdentityOptions identity = options_.identity;
  identity.coordinator = options_.coordinator;
  identity.node = options_.node;
  identity.folder = options_.data_dir + "/identity";
  OCELLUS_ASSIGN_OR_RETURN(identity_,
                           Identity::Take(identity, [this](auto channel) { link_.Use(channel); }));
  return coordinator::WriteEndpoint(options_.data_dir, {"", metrics_address()});
}

void Agent::Launch() {
  Gang::Host host;
  host.node = options_.node;
  host.spool_folder = SpoolFolder(options_);
  host.trainer = options_.trainer;
  host.threads = options_.threads;
  host.limits = options_.limits;
  host.ledger = &ledger_;
  host.metrics = &train_metrics_;
  host.memory = &memory_;
  host.link = &link_;
  host.session_stale = [this](const absl::Status& status) { Refuse(status); };
  supervisor_ = std::make_unique<Supervisor>(std::move(host));

  v1::RegisterRequest identity;
  identity.set_node(options_.node);
  identity.set_instance_id(coordinator::NewUuid());
  identity.set_version(coordinator::kVersion);
  identity.set_protocol(coordinator::kProtocol);
  *identity.mutable_inventory() = TakeInventory(options_.cpu_slots);
  if (!options_.host.empty()) identity.mutable_inventory()->set_host(options_.host);
  identity.mutable_inventory()->set_job_id(options_.job);
  identity.set_metrics_address(metrics_address());
  metrics_
      .Gauge(coordinator::metric::kWorkerInfo,
             {{"node", options_.node}, {"host", identity.inventory().host()}})
      .Set(1);
  Session::Callbacks callbacks;
  callbacks.gangs = [this] { return supervisor_->Gangs(); };
  callbacks.order = [this](const v1::SessionResponse& order) { supervisor_->Take(order); };
  callbacks.stale = [this](const v1::GangRef& gang) { supervisor_->KillStale(gang); };
  callbacks.refused = [this](const absl::Status& status) { Refuse(status); };
  session_ =
      std::make_unique<Session>(std::move(identity), &link_, options_.limits, std::move(callbacks));
}

void Agent::Refuse(const absl::Status& status) {
  for (const v1::GangStatus& gang : supervisor_->Gangs()) supervisor_->KillStale(gang.gang());
  const std::lock_guard lock(mutex_);
  if (!refusal_) refusal_ = status;
}

std::optional<absl::Status> Agent::refusal() const {
  const std::lock_guard lock(mutex_);
  return refusal_;
}

void Agent::Stop() {
  const Limits& limits = options_.limits;
  // Without a coordinator no checkpoint could be committed.
  supervisor_->StopAll({.cause = "NODE_SHUTDOWN",
                        .grace = limits.shutdown_grace,
                        .term_to_kill = Millis(1000),
                        .checkpoint = link_.connected(),
                        .ours = true});
  supervisor_->WaitEnded(limits.shutdown_grace + Millis(2000));
  if (link_.connected()) supervisor_->WaitDelivered(limits.shutdown_report);
}

Agent::~Agent() {
  // Calls end first, then the ranks, then those who could ask for more.
  identity_.reset();
  link_.Shutdown();
  if (supervisor_) supervisor_->Halt();
  session_.reset();
  supervisor_.reset();
}

}  // namespace ocellus::agent
