// A coordinator in this process, over real gRPC, with a clock that only the test moves; and an
// agent made of calls. The reconcile loop runs when the test says so.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "coordinator/api/server.h"
#include "coordinator/base/simulated_clock.h"
#include "coordinator/control/reconciler.h"
#include "ocellus/v1/service.grpc.pb.h"
#include "ocellus/v1/worker.grpc.pb.h"
#include "tests/coordinator/support/fixtures.h"

namespace ocellus::coordinator {

class Cluster {
 public:
  // `launcher` outlives it; null: workers are started by people.
  explicit Cluster(Launcher* launcher = nullptr, Mode mode = Mode::kLocal);
  ~Cluster();
  // Ends the coordinator and starts another one on the same folder.
  void Restart();
  // One pass of the reconcile loop, which must succeed.
  void Step();
  // Moves the clock in steps of at most a heartbeat, with a pass after each.
  void Pass(absl::Duration time);

  // Submits; returns the id.
  std::string Submit(const v1::JobSpec& spec);
  v1::Job Get(const std::string& job);
  // The state and reason of a job: "running (training)".
  std::string State(const std::string& job);
  std::vector<v1::JobEvent> Events(const std::string& job);
  double Metric(const struct Metric& metric, const Metrics::Labels& labels);

  v1::JobService::Stub& jobs() { return *jobs_; }
  std::shared_ptr<grpc::Channel> channel() { return channel_; }
  const std::string& address() const { return parts_->server->address(); }
  std::shared_ptr<grpc::Channel> own_channel() { return parts_->server->OwnChannel(); }
  Store& store() { return *parts_->store; }
  Objects& objects() { return *parts_->objects; }
  LiveGangs& live() { return *parts_->live; }
  Metrics& metrics() { return parts_->metrics; }
  SimulatedClock& clock() { return clock_; }
  Reconciler& reconciler() { return *parts_->reconciler; }
  const std::string& folder() const { return folder_.path(); }

 private:
  struct Running {
    Metrics metrics;
    std::unique_ptr<Store> store;
    std::unique_ptr<Objects> objects;
    std::unique_ptr<LiveGangs> live;
    std::unique_ptr<Fleet> fleet;
    std::unique_ptr<Ledger> ledger;
    std::unique_ptr<Reports> reports;
    std::unique_ptr<LogFiles> logs;
    std::unique_ptr<Reconciler> reconciler;
    std::unique_ptr<Gate> gate;
    std::unique_ptr<Server> server;
  };
  void Start();

  Launcher* launcher_;
  const Mode mode_;
  TempFolder folder_;
  SimulatedClock clock_;
  std::unique_ptr<Running> parts_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::JobService::Stub> jobs_;
};

// Says what an agent says. Its calls return the status as the real one would see it.
class FakeAgent {
 public:
  FakeAgent(Cluster* cluster, std::string node, int cpu_slots = 2);
  ~FakeAgent();

  absl::Status Register(const std::vector<v1::GangStatus>& gangs = {});
  // Opens the stream with a first heartbeat, and waits until the coordinator has it.
  void Connect(const std::vector<v1::GangStatus>& gangs = {});
  void Disconnect();
  // A heartbeat that the coordinator has taken when this returns.
  void Beat(const std::vector<v1::GangStatus>& gangs = {});
  // The next order; fails the test when none comes within 10 s.
  v1::SessionResponse Order();
  // Orders that have come and were not taken, in order.
  int OrdersWaiting();

  absl::Status Report(const v1::GangEvent& event);
  absl::Status Progress(const v1::GangRef& gang, int rank, int64_t step,
                        const std::string& phase = "train");
  absl::Status End(const v1::GangRef& gang, int rank, const std::string& outcome,
                   v1::FailureClass failure_class = v1::FAILURE_CLASS_UNSPECIFIED,
                   int64_t step = 0);
  absl::Status Log(const v1::GangRef& gang, int rank, int64_t seq, const std::string& text);
  absl::StatusOr<v1::BeginCheckpointResponse> Begin(const v1::GangRef& gang, int64_t step);
  absl::StatusOr<v1::CommitCheckpointResponse> Commit(const v1::GangRef& gang,
                                                      const v1::BeginCheckpointResponse& upload,
                                                      int64_t step, const std::string& manifest);
  // Begin, the files, and Commit.
  absl::Status Checkpoint(const v1::GangRef& gang, int64_t step);
  absl::Status Damage(const v1::GangRef& gang, const std::string& uri);

  // Registers as a worker that was made for this job.
  void set_job(const std::string& job) { job_ = job; }
  int64_t session() const { return registration_.session(); }
  void set_session(int64_t session) { registration_.set_session(session); }
  const v1::RegisterResponse& registration() const { return registration_; }

 private:
  void Read();

  Cluster* cluster_;
  const std::string node_;
  const int cpu_slots_;
  std::string job_;
  const std::string instance_;
  v1::RegisterResponse registration_;
  std::unique_ptr<v1::WorkerService::Stub> stub_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::SessionRequest, v1::SessionResponse>> stream_;
  std::thread reader_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<v1::SessionResponse> orders_;
};

v1::GangRef Ref(const std::string& job, int64_t generation);
v1::GangStatus Status(const v1::GangRef& gang, int ranks = 2);

// A manifest as trainers write it, for files of these contents.
std::string Manifest(const std::vector<std::pair<std::string, std::string>>& files);

}  // namespace ocellus::coordinator
