#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "coordinator/base/protocol.h"
#include "coordinator/base/random_id.h"
#include "coordinator/base/status_macros.h"
#include "tests/coordinator/support/cluster.h"
#include "worker/store/sha256.h"

namespace ocellus::coordinator {
namespace {

constexpr std::chrono::seconds kPatience{10};

}  // namespace

v1::GangRef Ref(const std::string& job, int64_t generation) {
  v1::GangRef gang;
  gang.set_job_id(job);
  gang.set_generation(generation);
  return gang;
}

v1::GangStatus Status(const v1::GangRef& gang, int ranks) {
  v1::GangStatus status;
  *status.mutable_gang() = gang;
  for (int i = 0; i < ranks; ++i) {
    auto* rank = status.add_ranks();
    rank->set_rank(i);
    rank->set_pid(1000 + i);
    rank->set_running(true);
  }
  return status;
}

std::string Manifest(const std::vector<std::pair<std::string, std::string>>& files) {
  nlohmann::json manifest = {{"version", 1}, {"files", nlohmann::json::array()}};
  for (const auto& [name, bytes] : files) {
    manifest["files"].push_back(
        {{"name", name}, {"bytes", bytes.size()}, {"sha256", store::Sha256Hex(bytes)}});
  }
  return manifest.dump();
}

FakeAgent::FakeAgent(Cluster* cluster, std::string node, int cpu_slots)
    : cluster_(cluster),
      node_(std::move(node)),
      cpu_slots_(cpu_slots),
      instance_(NewUuid()),
      stub_(v1::WorkerService::NewStub(cluster->channel())) {}

FakeAgent::~FakeAgent() { Disconnect(); }

absl::Status FakeAgent::Register(const std::vector<v1::GangStatus>& gangs) {
  stub_ = v1::WorkerService::NewStub(cluster_->channel());  // of the coordinator that runs now
  v1::RegisterRequest request;
  request.set_node(node_);
  request.set_instance_id(instance_);
  request.set_version(kVersion);
  request.set_protocol(kProtocol);
  request.mutable_inventory()->set_cpu_slots(cpu_slots_);
  request.mutable_inventory()->set_job_id(job_);
  request.mutable_inventory()->set_host("127.0.0.1");
  request.mutable_gangs()->Add(gangs.begin(), gangs.end());
  grpc::ClientContext context;
  v1::RegisterResponse response;
  const absl::Status status = FromGrpc(stub_->Register(&context, request, &response));
  if (status.ok()) {
    registration_ = response;
  }
  return status;
}

void FakeAgent::Connect(const std::vector<v1::GangStatus>& gangs) {
  Disconnect();
  context_ = std::make_unique<grpc::ClientContext>();
  stream_ = stub_->Session(context_.get());
  reader_ = std::thread([this] { Read(); });
  Beat(gangs);
}

void FakeAgent::Disconnect() {
  if (stream_ == nullptr) {
    return;
  }
  context_->TryCancel();
  reader_.join();
  stream_->Finish();
  stream_ = nullptr;
}

void FakeAgent::Read() {
  v1::SessionResponse order;
  while (stream_->Read(&order)) {
    const std::lock_guard lock(mutex_);
    orders_.push_back(order);
    changed_.notify_all();
  }
}

void FakeAgent::Beat(const std::vector<v1::GangStatus>& gangs) {
  v1::SessionRequest request;
  request.set_session(session());
  request.set_node(node_);
  request.mutable_gangs()->Add(gangs.begin(), gangs.end());
  // The answer to a stale gang is an order, so it tells that what came before it was taken.
  *request.add_gangs() = Status(Ref("j-marker", 1), 0);
  EXPECT_TRUE(stream_->Write(request));
  std::unique_lock lock(mutex_);
  const auto is_marker = [](const v1::SessionResponse& order) {
    return order.kill().gang().job_id() == "j-marker";
  };
  EXPECT_TRUE(changed_.wait_for(lock, kPatience, [&] {
    return std::any_of(orders_.begin(), orders_.end(), is_marker);
  })) << "the coordinator did not take the heartbeat";
  std::erase_if(orders_, is_marker);
}

v1::SessionResponse FakeAgent::Order() {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_for(lock, kPatience, [&] { return !orders_.empty(); })) {
    ADD_FAILURE() << "no order came";
    return {};
  }
  v1::SessionResponse order = orders_.front();
  orders_.pop_front();
  return order;
}

int FakeAgent::OrdersWaiting() {
  const std::lock_guard lock(mutex_);
  return static_cast<int>(orders_.size());
}

absl::Status FakeAgent::Report(const v1::GangEvent& event) {
  v1::ReportEventsRequest request;
  request.set_session(session());
  request.set_node(node_);
  *request.add_events() = event;
  grpc::ClientContext context;
  v1::ReportEventsResponse response;
  return FromGrpc(stub_->ReportEvents(&context, request, &response));
}

absl::Status FakeAgent::Progress(const v1::GangRef& gang, int rank, int64_t step,
                                 const std::string& phase) {
  v1::GangEvent event;
  *event.mutable_gang() = gang;
  event.set_rank(rank);
  event.mutable_progress()->set_step(step);
  event.mutable_progress()->set_phase(phase);
  return Report(event);
}

absl::Status FakeAgent::End(const v1::GangRef& gang, int rank, const std::string& outcome,
                            v1::FailureClass failure_class, int64_t step) {
  v1::GangEvent event;
  *event.mutable_gang() = gang;
  event.set_rank(rank);
  event.mutable_ended()->set_outcome(outcome);
  event.mutable_ended()->set_failure_class(failure_class);
  event.mutable_ended()->set_step(step);
  event.mutable_ended()->set_message(absl::StrCat("message of ", outcome));
  event.mutable_ended()->add_last_lines("the last line");
  return Report(event);
}

absl::Status FakeAgent::Log(const v1::GangRef& gang, int rank, int64_t seq,
                            const std::string& text) {
  v1::PutLogsRequest request;
  request.set_session(session());
  request.set_node(node_);
  *request.mutable_gang() = gang;
  auto* line = request.add_lines();
  line->set_rank(rank);
  line->set_seq(seq);
  line->set_level(v1::LOG_LEVEL_INFO);
  line->set_text(text);
  grpc::ClientContext context;
  v1::PutLogsResponse response;
  return FromGrpc(stub_->PutLogs(&context, request, &response));
}

absl::StatusOr<v1::BeginCheckpointResponse> FakeAgent::Begin(const v1::GangRef& gang,
                                                             int64_t step) {
  v1::BeginCheckpointRequest request;
  request.set_session(session());
  request.set_node(node_);
  *request.mutable_gang() = gang;
  request.set_step(step);
  grpc::ClientContext context;
  v1::BeginCheckpointResponse response;
  OCELLUS_RETURN_IF_ERROR(FromGrpc(stub_->BeginCheckpoint(&context, request, &response)));
  return response;
}

absl::StatusOr<v1::CommitCheckpointResponse> FakeAgent::Commit(
    const v1::GangRef& gang, const v1::BeginCheckpointResponse& upload, int64_t step,
    const std::string& manifest) {
  v1::CommitCheckpointRequest request;
  request.set_session(session());
  request.set_node(node_);
  *request.mutable_gang() = gang;
  request.set_upload_id(upload.upload_id());
  request.set_step(step);
  request.set_manifest(manifest);
  grpc::ClientContext context;
  v1::CommitCheckpointResponse response;
  OCELLUS_RETURN_IF_ERROR(FromGrpc(stub_->CommitCheckpoint(&context, request, &response)));
  return response;
}

absl::Status FakeAgent::Checkpoint(const v1::GangRef& gang, int64_t step) {
  OCELLUS_ASSIGN_OR_RETURN(const auto upload, Begin(gang, step));
  const std::string folder = absl::StrCat(cluster_->folder(), "/store/", upload.prefix());
  const std::string bytes = absl::StrCat("weights of step ", step);
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "model.safetensors") << bytes;
  return Commit(gang, upload, step, Manifest({{"model.safetensors", bytes}})).status();
}

absl::Status FakeAgent::Damage(const v1::GangRef& gang, const std::string& uri) {
  v1::ReportDamageRequest request;
  request.set_session(session());
  request.set_node(node_);
  *request.mutable_gang() = gang;
  request.set_uri(uri);
  request.set_fault("model.safetensors has other bytes than its manifest says");
  grpc::ClientContext context;
  v1::ReportDamageResponse response;
  return FromGrpc(stub_->ReportDamage(&context, request, &response));
}

}  // namespace ocellus::coordinator
