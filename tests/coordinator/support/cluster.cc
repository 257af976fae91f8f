#include "tests/coordinator/support/cluster.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "coordinator/base/error.h"
#include "coordinator/base/random_id.h"
#include "coordinator/job/transitions.h"

namespace ocellus::coordinator {

Cluster::Cluster(Launcher* launcher, Mode mode) : launcher_(launcher), mode_(mode) { Start(); }

Cluster::~Cluster() { parts_->server->Stop(); }

void Cluster::Start() {
  parts_ = std::make_unique<Running>();
  auto store = Store::Open(folder_.path() + "/state.db");
  EXPECT_TRUE(store.ok()) << store.status();
  parts_->store = *std::move(store);
  parts_->objects = *Objects::Open("file://" + folder_.path() + "/store");
  parts_->live = std::make_unique<LiveGangs>(&clock_);
  FleetOptions options;
  options.store_uri = parts_->objects->uri();
  parts_->fleet =
      std::make_unique<Fleet>(parts_->store.get(), parts_->live.get(), &clock_, options);
  EXPECT_TRUE(parts_->fleet->Load().ok());
  parts_->ledger = std::make_unique<Ledger>(parts_->store.get(), parts_->objects.get(), &clock_);
  parts_->reports = std::make_unique<Reports>(parts_->store.get(), parts_->live.get(), &clock_);
  parts_->logs = std::make_unique<LogFiles>(folder_.path() + "/logs");
  parts_->reconciler = std::make_unique<Reconciler>(
      Reconciler::Parts{parts_->store.get(), parts_->fleet.get(), parts_->live.get(),
                        parts_->ledger.get(), &parts_->metrics, &clock_, launcher_},
      ControlOptions{});
  parts_->gate =
      std::make_unique<Gate>(mode_, parts_->store.get(), &clock_, &parts_->metrics, CallLimits{});
  auto server = Server::Start("127.0.0.1:0", grpc::InsecureServerCredentials(),
                              {parts_->store.get(), parts_->fleet.get(), parts_->live.get(),
                               parts_->reports.get(), parts_->ledger.get(), parts_->logs.get(),
                               &parts_->metrics, &clock_, "127.0.0.1:1", parts_->gate.get()});
  EXPECT_TRUE(server.ok()) << server.status();
  parts_->server = *std::move(server);
  channel_ = grpc::CreateChannel(parts_->server->address(), grpc::InsecureChannelCredentials());
  jobs_ = v1::JobService::NewStub(channel_);
}

void Cluster::Restart() {
  parts_->server->Stop();
  parts_.reset();
  Start();
}

void Cluster::Step() {
  const absl::Status status = parts_->reconciler->RunOnce();
  EXPECT_TRUE(status.ok()) << status;
}

void Cluster::Pass(absl::Duration time) {
  while (time > absl::ZeroDuration()) {
    const absl::Duration step = std::min(time, kHeartbeatInterval);
    clock_.Advance(step);
    time -= step;
    Step();
  }
}

std::string Cluster::Submit(const v1::JobSpec& spec) {
  grpc::ClientContext context;
  v1::CreateJobRequest request;
  *request.mutable_spec() = spec;
  request.set_request_id(NewUuid());
  v1::CreateJobResponse response;
  const grpc::Status status = jobs_->CreateJob(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.job().id();
}

v1::Job Cluster::Get(const std::string& job) {
  grpc::ClientContext context;
  v1::GetJobRequest request;
  request.set_job(job);
  v1::GetJobResponse response;
  const grpc::Status status = jobs_->GetJob(&context, request, &response);
  EXPECT_TRUE(status.ok()) << status.error_message();
  return response.job();
}

std::string Cluster::State(const std::string& job) {
  const v1::Job now = Get(job);
  return absl::StrCat(ShortName(now.state()), " (", ShortName(now.reason()), ")");
}

std::vector<v1::JobEvent> Cluster::Events(const std::string& job) {
  grpc::ClientContext context;
  v1::ListEventsRequest request;
  request.set_job(job);
  request.set_page_size(1000);
  v1::ListEventsResponse response;
  EXPECT_TRUE(jobs_->ListEvents(&context, request, &response).ok());
  return {response.events().begin(), response.events().end()};
}

double Cluster::Metric(const struct Metric& metric, const Metrics::Labels& labels) {
  return parts_->metrics.Counter(metric, labels).Value();
}

}  // namespace ocellus::coordinator
