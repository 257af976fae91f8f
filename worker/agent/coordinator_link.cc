#include "worker/agent/coordinator_link.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "coordinator/base/protocol.h"
#include "coordinator/client/channel.h"

namespace ocellus::agent {

Verdict Judge(const absl::Status& status) {
  const v1::ErrorReason reason = coordinator::ReasonOf(status);
  if (reason == v1::ERROR_REASON_STALE_GENERATION) return Verdict::kGangStale;
  if (reason == v1::ERROR_REASON_STALE_SESSION) return Verdict::kSessionStale;
  if (reason == v1::ERROR_REASON_RATE_LIMITED) return Verdict::kRetry;
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return Verdict::kDone;
    case absl::StatusCode::kUnauthenticated:  // until the certificate is renewed
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kAborted:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return Verdict::kRetry;
    default:
      return Verdict::kRefused;
  }
}

CoordinatorLink::CoordinatorLink(std::string node, const Limits& limits)
    : node_(std::move(node)), call_deadline_(limits.call_deadline) {}

void CoordinatorLink::Use(const std::shared_ptr<grpc::Channel>& channel) {
  const std::lock_guard lock(mutex_);
  stub_ = v1::WorkerService::NewStub(channel);
  if (session_call_ != nullptr) session_call_->TryCancel();
}

std::shared_ptr<v1::WorkerService::Stub> CoordinatorLink::stub() const {
  const std::lock_guard lock(mutex_);
  return stub_;
}

CoordinatorLink::Call::Call(CoordinatorLink* link) : link_(link) {
  context_.AddMetadata(coordinator::kProtocolKey, absl::StrCat(coordinator::kProtocol));
  const std::lock_guard lock(link_->mutex_);
  link_->active_.insert(&context_);
  if (link_->shut_down_) context_.TryCancel();
}

CoordinatorLink::Call::~Call() {
  const std::lock_guard lock(link_->mutex_);
  link_->active_.erase(&context_);
  if (link_->session_call_ == &context_) link_->session_call_ = nullptr;
}

void CoordinatorLink::SetConnected(bool connected) {
  const std::lock_guard lock(mutex_);
  if (connected_ && !connected) silent_since_ = SteadyClock::now();
  connected_ = connected;
}

Millis CoordinatorLink::SilentFor() const {
  const std::lock_guard lock(mutex_);
  if (connected_) return Millis(0);
  return std::chrono::duration_cast<Millis>(SteadyClock::now() - silent_since_);
}

void CoordinatorLink::Shutdown() {
  const std::lock_guard lock(mutex_);
  shut_down_ = true;
  for (grpc::ClientContext* context : active_) context->TryCancel();
}

template <typename Request, typename Response>
absl::Status CoordinatorLink::Unary(Method<Request, Response> method, const Request& request,
                                    Response* response) {
  Call call(this);
  call.context()->set_deadline(std::chrono::system_clock::now() + call_deadline_);
  return coordinator::FromGrpc((stub().get()->*method)(call.context(), request, response));
}

template <typename Request>
void CoordinatorLink::Sign(Request* request) const {
  request->set_session(session_);
  request->set_node(node_);
}

absl::Status CoordinatorLink::Register(v1::RegisterRequest request,
                                       v1::RegisterResponse* response) {
  const absl::Status status = Unary<v1::RegisterRequest, v1::RegisterResponse>(
      &v1::WorkerService::Stub::Register, request, response);
  if (status.ok()) session_ = response->session();
  return status;
}

std::unique_ptr<CoordinatorLink::Stream> CoordinatorLink::OpenSession(Call* call) {
  {
    const std::lock_guard lock(mutex_);
    session_call_ = call->context();
  }
  return stub()->Session(call->context());
}

absl::Status CoordinatorLink::ReportEvents(v1::ReportEventsRequest request) {
  Sign(&request);
  v1::ReportEventsResponse response;
  return Unary<v1::ReportEventsRequest, v1::ReportEventsResponse>(
      &v1::WorkerService::Stub::ReportEvents, request, &response);
}

absl::Status CoordinatorLink::PutLogs(v1::PutLogsRequest request) {
  Sign(&request);
  v1::PutLogsResponse response;
  return Unary<v1::PutLogsRequest, v1::PutLogsResponse>(&v1::WorkerService::Stub::PutLogs, request,
                                                        &response);
}

absl::Status CoordinatorLink::BeginCheckpoint(v1::BeginCheckpointRequest request,
                                              v1::BeginCheckpointResponse* response) {
  Sign(&request);
  return Unary<v1::BeginCheckpointRequest, v1::BeginCheckpointResponse>(
      &v1::WorkerService::Stub::BeginCheckpoint, request, response);
}

absl::Status CoordinatorLink::CommitCheckpoint(v1::CommitCheckpointRequest request,
                                               v1::CommitCheckpointResponse* response) {
  Sign(&request);
  return Unary<v1::CommitCheckpointRequest, v1::CommitCheckpointResponse>(
      &v1::WorkerService::Stub::CommitCheckpoint, request, response);
}

absl::Status CoordinatorLink::ReportDamage(v1::ReportDamageRequest request) {
  Sign(&request);
  v1::ReportDamageResponse response;
  return Unary<v1::ReportDamageRequest, v1::ReportDamageResponse>(
      &v1::WorkerService::Stub::ReportDamage, request, &response);
}

}  // namespace ocellus::agent
