// ocellus-worker: the agent of one machine.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "coordinator/base/log.h"
#include "coordinator/base/protocol.h"
#include "coordinator/base/shutdown.h"
#include "worker/agent/agent.h"

namespace {

using ocellus::agent::Agent;
using ocellus::agent::AgentOptions;
namespace coordinator = ocellus::coordinator;

// How often the main thread looks whether the coordinator refused the agent.
constexpr absl::Duration kLook = absl::Milliseconds(200);

std::string HostName() {
  char name[256] = {};
  return gethostname(name, sizeof(name) - 1) == 0 ? name : "localhost";
}

std::string TrainerBesideUs() {
  std::error_code ignored;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ignored);
  return (self.parent_path() / "ocellus-trainer").string();
}

int Fail(const absl::Status& status) {
  std::cerr << "ocellus-worker: " << status.message() << "\n";
  return 1;
}

int Run(const AgentOptions& options, coordinator::ShutdownSignal* signal) {
  auto agent = Agent::Start(options);
  if (!agent.ok()) return Fail(agent.status());
  coordinator::Log(coordinator::LogSeverity::kInfo, "worker_up",
                   {{"node", options.node},
                    {"coordinator", options.coordinator},
                    {"metrics", (*agent)->metrics_address()}});
  for (;;) {
    const int number = signal->Wait(kLook);
    if (number != 0) {
      coordinator::Log(coordinator::LogSeverity::kInfo, "worker_stopping", {{"signal", number}});
      (*agent)->Stop();
      return 0;
    }
    if (const auto refusal = (*agent)->refusal()) return Fail(*refusal);
  }
}

}  // namespace

int main(int argc, char** argv) {
  coordinator::ShutdownSignal signal;
  AgentOptions options;
  options.coordinator = absl::StrCat("127.0.0.1:", coordinator::kCoordinatorPort);
  options.node = HostName();
  options.data_dir = "/var/lib/ocellus/worker";
  options.trainer = TrainerBesideUs();
  options.metrics_listen = absl::StrCat("127.0.0.1:", coordinator::kWorkerMetricsPort);
  options.cpu_slots = static_cast<int>(std::thread::hardware_concurrency());

  CLI::App app("Runs the ranks that the coordinator places on this machine.");
  app.set_version_flag("--version", coordinator::kVersion);
  app.add_option("--coordinator", options.coordinator, "Where the coordinator listens")
      ->capture_default_str();
  app.add_option("--node", options.node, "Name of this machine, one of a kind in the cluster")
      ->envname("OCELLUS_NODE")
      ->capture_default_str();
  app.add_option("--host", options.host,
                 "Address under which ranks on other machines reach this one (default: host name)")
      ->envname("OCELLUS_HOST");
  app.add_option("--job", options.job, "Run ranks of this job alone: a worker made for it")
      ->envname("OCELLUS_JOB");
  app.add_option("--data-dir", options.data_dir, "Folder of this process alone")
      ->capture_default_str();
  app.add_option("--trainer", options.trainer, "The ocellus-trainer program")
      ->capture_default_str();
  app.add_option("--cpu-slots", options.cpu_slots, "Ranks that may run on the CPU at once")
      ->check(CLI::Range(0, 4096))
      ->envname("OCELLUS_CPU_SLOTS")
      ->capture_default_str();
  app.add_option("--threads", options.threads,
                 "Computing threads of a rank; 0: one on the CPU, a share of the cores with a GPU")
      ->check(CLI::Range(0, 4096))
      ->capture_default_str();
  app.add_option("--ca", options.identity.authority,
                 "Who signs the coordinator's certificate, PEM: speak TLS")
      ->envname("OCELLUS_CA");
  app.add_option("--join", options.identity.join_file,
                 "File with a join token (`ocellus node join-token`), else $OCELLUS_JOIN_TOKEN");
  app.add_flag("--insecure-dev", options.identity.insecure_dev,
               "Without encryption also to a coordinator on another machine");
  app.add_option("--metrics-listen", options.metrics_listen, "Where /metrics is; port 0: any")
      ->capture_default_str();
  int stop_grace_s = static_cast<int>(options.limits.shutdown_grace.count() / 1000);
  app.add_option("--stop-grace-s", stop_grace_s,
                 "How long ranks may take for a checkpoint when this process is told to end")
      ->check(CLI::Range(1, 86'400))
      ->envname("OCELLUS_STOP_GRACE_S")
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  options.limits.shutdown_grace = std::chrono::seconds(stop_grace_s);
  return Run(options, &signal);
}
