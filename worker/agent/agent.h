// One agent process: supervisor, session, metrics and data folder put together.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/base/lock_file.h"
#include "coordinator/base/metrics.h"
#include "worker/agent/coordinator_link.h"
#include "worker/agent/gpu_metrics.h"
#include "worker/agent/identity.h"
#include "worker/agent/limits.h"
#include "worker/agent/rank_ledger.h"
#include "worker/agent/session.h"
#include "worker/agent/supervisor.h"
#include "worker/agent/train_metrics.h"

namespace ocellus::agent {

struct AgentOptions {
  IdentityOptions identity;  // coordinator, node and data_dir of it are filled in by the agent
  std::string coordinator;   // "127.0.0.1:7410"
  std::string node;
  std::string host;  // address for ranks elsewhere; empty: the host name
  std::string job;   // whose ranks alone may run here; empty: any job's
  std::string data_dir;
  std::string trainer;         // path of ocellus-trainer
  std::string metrics_listen;  // empty: no /metrics
  int cpu_slots = 0;
  int threads = 0;  // of a rank; 0: chosen
  Limits limits;
};

class Agent {
 public:
  // Takes the data folder, kills what an earlier agent left, serves /metrics and begins to call the
  // coordinator (which need not be up). Fails with a message for the user: folder in use, port in
  // use, no trainer.
  static absl::StatusOr<std::unique_ptr<Agent>> Start(const AgentOptions& options);
  // SIGKILLs what still runs.
  ~Agent();

  // Empty without /metrics.
  std::string metrics_address() const {
    return metrics_server_ ? metrics_server_->address() : std::string();
  }
  // Set once the coordinator does not want this agent any more; its ranks are dead then.
  std::optional<absl::Status> refusal() const;
  // In order: the ranks stop with a checkpoint and their ends are reported, within some seconds.
  void Stop();

 private:
  explicit Agent(const AgentOptions& options);
  absl::Status Prepare();
  void Launch();
  void Refuse(const absl::Status& status);

  const AgentOptions options_;
  std::unique_ptr<coordinator::LockFile> lock_;
  coordinator::Metrics metrics_;
  std::unique_ptr<coordinator::MetricsServer> metrics_server_;
  TrainMetrics train_metrics_;
  std::unique_ptr<GpuMetrics> gpu_metrics_;
  MemoryCopies memory_;
  RankLedger ledger_;
  CoordinatorLink link_;
  std::unique_ptr<Identity> identity_;
  mutable std::mutex mutex_;
  std::optional<absl::Status> refusal_;
  std::unique_ptr<Supervisor> supervisor_;
  std::unique_ptr<Session> session_;
};

}  // namespace ocellus::agent
