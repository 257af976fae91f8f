// `ocellus up`: a cluster of one machine, as one process tree.
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"
#include "coordinator/base/endpoint_file.h"
#include "coordinator/base/lock_file.h"
#include "coordinator/base/protocol.h"
#include "coordinator/base/status_macros.h"
#include "tools/cli/commands.h"
#include "tools/cli/error_text.h"
#include "tools/cli/port.h"
#include "tools/cli/supervisor.h"
#include "tools/cli/terminal.h"

namespace ocellus::cli {
namespace {

namespace fs = std::filesystem;

constexpr absl::Duration kReadyTimeout = absl::Seconds(30);
constexpr absl::Duration kPoll = absl::Milliseconds(50);
// The worker lets its gangs checkpoint before it ends.
constexpr absl::Duration kWorkerGrace = absl::Seconds(150);
constexpr absl::Duration kCoordinatorGrace = absl::Seconds(25);
// Who dies so often before being ready has a fault that does not go away.
constexpr int kDeathsBeforeReady = 3;
constexpr int kTailLines = 8;

struct UpArguments {
  std::string data_dir;
  int port = coordinator::kCoordinatorPort;
  int metrics_port = -1;  // -1: beside `port`, or free when that is
  int cpu_slots = static_cast<int>(std::thread::hardware_concurrency());
  std::string node;
  bool foreground = true;
};

std::string DefaultDataDir() {
  const char* data = std::getenv("XDG_DATA_HOME");
  const char* home = std::getenv("HOME");
  if (data != nullptr && *data != '\0') return absl::StrCat(data, "/ocellus");
  return absl::StrCat(home != nullptr ? home : ".", "/.local/share/ocellus");
}

std::string HostName() {
  char name[256] = "";
  gethostname(name, sizeof(name) - 1);
  const std::string whole = name;
  return whole.empty() ? "local" : whole.substr(0, whole.find('.'));
}

std::string Loopback(int port) { return absl::StrCat("127.0.0.1:", port); }

class Cluster {
 public:
  explicit Cluster(const UpArguments& arguments) : arguments_(arguments) {
    data_ = fs::absolute(arguments.data_dir).lexically_normal().string();
    const int beside = arguments.port == 0 ? 0 : arguments.port + 1;
    const int metrics = arguments.metrics_port >= 0 ? arguments.metrics_port : beside;
    listen_ = Loopback(arguments.port);
    metrics_ = Loopback(metrics);
    worker_metrics_ = Loopback(metrics == 0 ? 0 : metrics + 1);
    page_ = Loopback(metrics == 0 ? 0 : metrics + 2);
  }

  absl::Status Run() {
    OCELLUS_RETURN_IF_ERROR(CheckPrograms());
    OCELLUS_ASSIGN_OR_RETURN(auto lock, coordinator::LockFile::Acquire(data_, "ocellus up"));
    OCELLUS_RETURN_IF_ERROR(CheckPorts());
    const absl::Status ready = Start();
    int signal = stopped_by_;
    if (ready.ok() && signal == 0) {
      PrintReady();
      while ((signal = supervisor_.Pump(absl::InfiniteDuration())) == 0) {
      }
    }
    if (signal != 0) Note("stopping: worker, then coordinator (again: at once)");
    Stop();
    return ready;
  }

 private:
  absl::Status CheckPrograms() {
    for (const char* name : {"ocellus-coordinator", "ocellus-worker", "ocellus-trainer"}) {
      const std::string path = absl::StrCat(ProgramFolder(), "/", name);
      if (access(path.c_str(), X_OK) != 0) {
        return absl::FailedPreconditionError(absl::StrCat(
            path, " is not there\n  next: build or install ", name, " beside ocellus"));
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckPorts() {
    auto port = [](const std::string& address) {
      return std::atoi(address.c_str() + address.rfind(':') + 1);
    };
    OCELLUS_RETURN_IF_ERROR(CheckPortFree(port(listen_), "--port"));
    OCELLUS_RETURN_IF_ERROR(CheckPortFree(port(metrics_), "--metrics-port"));
    OCELLUS_RETURN_IF_ERROR(CheckPortFree(port(worker_metrics_), "--metrics-port"));
    return CheckPortFree(port(page_), "--metrics-port");
  }

  std::vector<std::string> CoordinatorCommand() const {
    return {absl::StrCat(ProgramFolder(), "/ocellus-coordinator"),
            "--data-dir",
            Dir("coordinator"),
            "--listen",
            listen_,
            "--metrics-listen",
            metrics_,
            "--page-listen",
            page_,
            "--store",
            absl::StrCat("file://", data_, "/store")};
  }

  std::vector<std::string> WorkerCommand() const {
    return {absl::StrCat(ProgramFolder(), "/ocellus-worker"),
            "--coordinator",
            listen_,
            "--node",
            arguments_.node,
            "--data-dir",
            Dir("worker"),
            "--cpu-slots",
            absl::StrCat(arguments_.cpu_slots),
            "--metrics-listen",
            worker_metrics_,
            "--trainer",
            absl::StrCat(ProgramFolder(), "/ocellus-trainer")};
  }

  // Both up and the node known to the coordinator; or a signal came (stopped_by_).
  absl::Status Start() {
    for (const char* name : {"coordinator", "worker", "store"}) {
      std::error_code error;
      fs::create_directories(Dir(name), error);
      fs::remove(Dir(name) + "/endpoint.json", error);
    }
    coordinator_ =
        supervisor_.Add({"ocellus-coordinator", CoordinatorCommand(), Log("coordinator")});
    coordinator::Endpoint endpoint;
    OCELLUS_RETURN_IF_ERROR(Await(coordinator_, "coordinator", [&] {
      return ReadEndpointOf("coordinator", &endpoint) && !endpoint.grpc.empty();
    }));
    if (stopped_by_ != 0) return absl::OkStatus();
    // From now on at the same ports, so that worker and users find a restarted one.
    listen_ = endpoint.grpc;
    metrics_ = endpoint.metrics;
    page_url_ = endpoint.page;
    page_ = std::string(absl::StripSuffix(absl::StripPrefix(page_url_, "http://"), "/"));
    supervisor_.SetCommand(coordinator_, CoordinatorCommand());
    worker_ = supervisor_.Add({"ocellus-worker", WorkerCommand(), Log("worker")});
    worker_started_ = true;
    OCELLUS_RETURN_IF_ERROR(Await(worker_, "worker", [&] { return NodeIsReady(); }));
    if (ReadEndpointOf("worker", &endpoint)) worker_metrics_ = endpoint.metrics;
    supervisor_.SetCommand(worker_, WorkerCommand());
    return coordinator::WriteEndpoint(data_, {listen_, metrics_, page_url_});
  }

  template <typename Condition>
  absl::Status Await(size_t child, const std::string& name, Condition condition) {
    const absl::Time end = absl::Now() + kReadyTimeout;
    while (!condition()) {
      stopped_by_ = supervisor_.Pump(kPoll);
      if (stopped_by_ != 0) return absl::OkStatus();
      const bool hopeless = supervisor_.deaths(child) >= kDeathsBeforeReady;
      if (hopeless || absl::Now() > end) {
        return absl::FailedPreconditionError(
            absl::StrCat("the ", name, hopeless ? " does not start" : " is not ready in time",
                         LogTail(Log(name), kTailLines), "\n  log: ", Log(name)));
      }
    }
    return absl::OkStatus();
  }

  bool ReadEndpointOf(const std::string& name, coordinator::Endpoint* endpoint) const {
    auto read = coordinator::ReadEndpoint(Dir(name));
    if (read.ok()) *endpoint = *read;
    return read.ok();
  }

  bool NodeIsReady() {
    if (!admin_) admin_ = v1::AdminService::NewStub(coordinator::Connect(listen_));
    auto status = coordinator::Call(*admin_, &v1::AdminService::Stub::GetStatus,
                                    v1::GetStatusRequest(), {absl::Seconds(2), {}, {}});
    return status.ok() && status->nodes_ready() > 0;
  }

  void PrintReady() {
    const bool usual = listen_ == Loopback(coordinator::kCoordinatorPort);
    Print(absl::StrCat(
        Tinted("ocellus is up", Tint::kBold), "\n", "  coordinator  ", listen_,
        "   metrics http://", metrics_, "/metrics\n", "  worker       ", arguments_.node, ", ",
        arguments_.cpu_slots, " CPU slots   metrics http://", worker_metrics_, "/metrics\n",
        "  page         ", page_url_, "\n", "  data         ", data_, "\n", "  logs         ",
        Log("coordinator"), "\n               ", Log("worker"), "\n",
        "next, in another terminal: ", usual ? "" : "OCELLUS_SERVER=", usual ? "" : listen_,
        usual ? "" : " ", "ocellus submit job.yaml --wait\nCtrl-C stops everything.\n"));
  }

  void Stop() {
    if (worker_started_) supervisor_.Stop(worker_, kWorkerGrace);
    supervisor_.Stop(coordinator_, kCoordinatorGrace);
    std::error_code ignored;
    fs::remove(data_ + "/endpoint.json", ignored);
  }

  std::string Dir(const std::string& name) const { return absl::StrCat(data_, "/", name); }
  std::string Log(const std::string& name) const { return absl::StrCat(data_, "/", name, ".log"); }

  const UpArguments arguments_;
  std::string data_, listen_, metrics_, worker_metrics_, page_, page_url_;
  Supervisor supervisor_;
  std::unique_ptr<v1::AdminService::Stub> admin_;
  size_t coordinator_ = 0, worker_ = 0;
  bool worker_started_ = false;
  int stopped_by_ = 0;
};

}  // namespace

void AddUp(CLI::App* app, Session* session) {
  auto arguments = std::make_shared<UpArguments>();
  arguments->data_dir = DefaultDataDir();
  arguments->node = HostName();
  CLI::App* command = app->add_subcommand("up", "Run a cluster on this machine, in the foreground");
  command->add_option("--data-dir", arguments->data_dir,
                      "Folder for jobs, checkpoints and logs (" + arguments->data_dir + ")");
  command
      ->add_option("--port", arguments->port, "Port of the coordinator (7410); 0 takes a free one")
      ->check(CLI::Range(0, 65532));
  command
      ->add_option(
          "--metrics-port", arguments->metrics_port,
          "Port of its metrics (--port + 1), before the worker's and the page's; 0: free ones")
      ->check(CLI::Range(0, 65533));
  command
      ->add_option("--cpu-slots", arguments->cpu_slots,
                   "CPU ranks that may run at once (all cores)")
      ->check(CLI::Range(0, 4096));
  command->add_option("--node", arguments->node, "Name of this node (" + arguments->node + ")");
  command->add_flag("--foreground", arguments->foreground, "As it always runs");
  command->footer(
      "\nListens on 127.0.0.1 only. Example:\n  ocellus up --data-dir ~/ocellus --cpu-slots 2");
  command->callback([session, arguments] {
    const absl::Status status = Cluster(*arguments).Run();
    if (!status.ok()) session->Fail(kFailed, std::string(status.message()));
  });
}

}  // namespace ocellus::cli
