#include "tests/worker/agent/fake_coordinator.h"

#include <thread>
#include <utility>

#include "coordinator/base/error.h"

namespace ocellus::agent {
namespace {

constexpr std::chrono::seconds kPatience{20};
constexpr std::chrono::milliseconds kBeat{50};

}  // namespace

std::vector<v1::GangEvent> Heard::Ends() const {
  std::vector<v1::GangEvent> ends;
  for (const v1::GangEvent& event : events) {
    if (event.has_ended()) ends.push_back(event);
  }
  return ends;
}

std::vector<std::string> Heard::Texts() const {
  std::vector<std::string> texts;
  for (const v1::LogLine& line : lines) texts.push_back(line.text());
  return texts;
}

int64_t Heard::NewestStep(int rank) const {
  int64_t newest = 0;
  for (const v1::GangEvent& event : events) {
    if (event.has_progress() && event.rank() == rank) newest = event.progress().step();
  }
  return newest;
}

absl::Status Refusal(v1::ErrorReason reason) {
  return coordinator::Error(absl::StatusCode::kFailedPrecondition, reason, "no");
}

FakeCoordinator::FakeCoordinator(int port) {
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:" + std::to_string(port), grpc::InsecureServerCredentials(),
                           &port_);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
}

FakeCoordinator::~FakeCoordinator() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  server_->Shutdown(std::chrono::system_clock::now());
}

void FakeCoordinator::Send(const v1::SessionResponse& order) {
  {
    const std::lock_guard lock(mutex_);
    orders_.push_back(order);
  }
  changed_.notify_all();
}

void FakeCoordinator::CutStreams() {
  {
    const std::lock_guard lock(mutex_);
    cut_ = streams_;
  }
  changed_.notify_all();
}

bool FakeCoordinator::WaitFor(const std::function<bool(const Heard&)>& condition) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return condition(heard_); });
}

Heard FakeCoordinator::heard() {
  const std::lock_guard lock(mutex_);
  return heard_;
}

void FakeCoordinator::SetAnswer(std::function<absl::Status(const std::string& call)> answer) {
  const std::lock_guard lock(mutex_);
  answer_ = std::move(answer);
}

void FakeCoordinator::SetStale(std::vector<v1::GangRef> stale) {
  const std::lock_guard lock(mutex_);
  stale_ = std::move(stale);
}

grpc::Status FakeCoordinator::Take(const std::string& call,
                                   const std::function<void(Heard*)>& take) {
  {
    const std::lock_guard lock(mutex_);
    const absl::Status answer = answer_ ? answer_(call) : absl::OkStatus();
    if (!answer.ok()) return coordinator::ToGrpc(answer);
    take(&heard_);
  }
  changed_.notify_all();
  return grpc::Status::OK;
}

grpc::Status FakeCoordinator::Register(grpc::ServerContext*, const v1::RegisterRequest* request,
                                       v1::RegisterResponse* response) {
  return Take("Register", [&](Heard* heard) {
    heard->registrations.push_back(*request);
    response->set_session(7);
    response->mutable_heartbeat_interval()->set_nanos(
        std::chrono::duration_cast<std::chrono::nanoseconds>(kBeat).count());
    for (const v1::GangRef& gang : stale_) *response->add_stale() = gang;
  });
}

grpc::Status FakeCoordinator::Session(
    grpc::ServerContext* context,
    grpc::ServerReaderWriter<v1::SessionResponse, v1::SessionRequest>* stream) {
  int mine = 0;
  const grpc::Status answer = Take("Session", [&](Heard*) { mine = ++streams_; });
  if (!answer.ok()) return answer;
  std::thread reader([&] {
    v1::SessionRequest beat;
    while (stream->Read(&beat)) Take("Beat", [&](Heard* heard) { heard->beats.push_back(beat); });
    Take("StreamEnd", [&](Heard*) { cut_ = std::max(cut_, mine); });
  });
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(
        lock, [&] { return ending_ || cut_ >= mine || (mine == streams_ && !orders_.empty()); });
    if (ending_ || cut_ >= mine) break;
    const v1::SessionResponse order = orders_.front();
    orders_.erase(orders_.begin());
    lock.unlock();
    stream->Write(order);
    lock.lock();
  }
  lock.unlock();
  context->TryCancel();
  reader.join();
  return grpc::Status(grpc::StatusCode::UNAVAILABLE, "cut");
}

grpc::Status FakeCoordinator::ReportEvents(grpc::ServerContext*,
                                           const v1::ReportEventsRequest* request,
                                           v1::ReportEventsResponse*) {
  return Take("ReportEvents", [&](Heard* heard) {
    for (const v1::GangEvent& event : request->events()) heard->events.push_back(event);
  });
}

grpc::Status FakeCoordinator::PutLogs(grpc::ServerContext*, const v1::PutLogsRequest* request,
                                      v1::PutLogsResponse*) {
  return Take("PutLogs", [&](Heard* heard) {
    for (const v1::LogLine& line : request->lines()) heard->lines.push_back(line);
    heard->dropped += request->dropped();
  });
}

grpc::Status FakeCoordinator::BeginCheckpoint(grpc::ServerContext*,
                                              const v1::BeginCheckpointRequest* request,
                                              v1::BeginCheckpointResponse* response) {
  return Take("BeginCheckpoint", [&](Heard* heard) {
    heard->begins.push_back(*request);
    response->set_upload_id("ab12cd34");
    response->set_prefix("p/j-1/checkpoints/here/");
  });
}

grpc::Status FakeCoordinator::CommitCheckpoint(grpc::ServerContext*,
                                               const v1::CommitCheckpointRequest* request,
                                               v1::CommitCheckpointResponse* response) {
  return Take("CommitCheckpoint", [&](Heard* heard) {
    heard->commits.push_back(*request);
    response->add_expired_prefixes("p/j-1/checkpoints/old/");
  });
}

grpc::Status FakeCoordinator::ReportDamage(grpc::ServerContext*,
                                           const v1::ReportDamageRequest* request,
                                           v1::ReportDamageResponse*) {
  return Take("ReportDamage", [&](Heard* heard) { heard->damages.push_back(*request); });
}

}  // namespace ocellus::agent
