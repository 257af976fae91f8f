#include "coordinator/api/worker_service.h"

#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/api/call.h"
#include "coordinator/base/error.h"
#include "coordinator/base/log.h"
#include "coordinator/base/protocol.h"
#include "coordinator/base/redact.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/job/spec_check.h"

namespace ocellus::coordinator {
namespace {

absl::Status CheckRegistration(const v1::RegisterRequest& request) {
  if (request.protocol() != kProtocol) {
    return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_VERSION_UNSUPPORTED,
                 absl::StrCat("the agent (", request.version(), ") speaks protocol ",
                              request.protocol(), ", this coordinator (", kVersion, ") protocol ",
                              kProtocol, ": upgrade the older side"));
  }
  std::vector<FieldViolation> violations;
  if (!IsNodeName(request.node())) {
    violations.emplace_back("node", kNodeNameRule);
  }
  if (request.instance_id().empty()) {
    violations.emplace_back("instance_id", "must be a UUID made by the agent's process");
  }
  return violations.empty() ? absl::OkStatus() : BadRequest(violations);
}

std::string ActorOf(const std::string& node) { return absl::StrCat("agent:", node); }

}  // namespace

WorkerService::WorkerService(const ApiParts& parts)
    : parts_(parts), history_(parts.store, parts.clock) {
  for (const char* rpc : {"Session", "ReportEvents", "PutLogs", "BeginCheckpoint",
                          "CommitCheckpoint", "ReportDamage"}) {
    parts_.metrics->Counter(metric::kStaleRejections, {{"rpc", rpc}});
  }
}

void WorkerService::CountIfStale(const std::string& node, const std::string& rpc,
                                 const absl::Status& status) {
  const v1::ErrorReason reason = ReasonOf(status);
  if (reason == v1::ERROR_REASON_STALE_GENERATION || reason == v1::ERROR_REASON_STALE_SESSION) {
    parts_.metrics->Counter(metric::kStaleRejections, {{"rpc", rpc}}).Increment();
    Log(LogSeverity::kWarning, "stale_refused",
        {{"rpc", rpc}, {"why", std::string(status.message())}});
  }
  history_.AddRefusal(node, rpc, status);
}

void WorkerService::Remember(const std::string& node,
                             const google::protobuf::RepeatedPtrField<v1::GangStatus>& announced,
                             const std::vector<v1::GangRef>& stale) {
  for (const v1::GangRef& gang : stale) {
    for (const v1::GangStatus& status : announced) {
      if (status.gang().job_id() == gang.job_id() &&
          status.gang().generation() == gang.generation()) {
        history_.AddAnnounced(node, status);
      }
    }
  }
}

template <typename Request>
grpc::Status WorkerService::Serve(grpc::ServerContext& context, const Request& request,
                                  const std::string& rpc, absl::FunctionRef<absl::Status()> body) {
  return Answer(parts_, context, request, [&](const Caller&) -> absl::Status {
    absl::Status status = parts_.fleet->CheckSession(request.node(), request.session());
    if constexpr (requires { request.gang(); }) {
      if (status.ok()) {
        status = CheckGang(*parts_.store, request.gang(), request.node());
      }
    }
    if (status.ok()) {
      status = body();
    }
    CountIfStale(request.node(), rpc, status);
    return status;
  });
}

grpc::Status WorkerService::Register(grpc::ServerContext* context,
                                     const v1::RegisterRequest* request,
                                     v1::RegisterResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller&) -> absl::Status {
    OCELLUS_RETURN_IF_ERROR(CheckRegistration(*request));
    OCELLUS_ASSIGN_OR_RETURN(*response, parts_.fleet->Register(*request));
    Remember(request->node(), request->gangs(),
             {response->stale().begin(), response->stale().end()});
    return absl::OkStatus();
  });
}

grpc::Status WorkerService::Session(
    grpc::ServerContext* context,
    grpc::ServerReaderWriter<v1::SessionResponse, v1::SessionRequest>* stream) {
  v1::SessionRequest first;
  if (!stream->Read(&first)) {
    return grpc::Status::OK;
  }
  return Answer(parts_, *context, first,
                [&](const Caller&) { return Converse(context, first, stream); });
}

absl::Status WorkerService::Converse(
    grpc::ServerContext* context, v1::SessionRequest request,
    grpc::ServerReaderWriter<v1::SessionResponse, v1::SessionRequest>* stream) {
  const std::string node = request.node();
  const auto connected = parts_.fleet->Connect(node, request.session());
  if (!connected.ok()) {
    CountIfStale(node, "Session", connected.status());
    return connected.status();
  }
  const std::shared_ptr<Outbox> outbox = *connected;
  std::thread writer([&] {
    while (auto order = outbox->Pop()) {
      if (!stream->Write(*order)) {
        break;
      }
    }
    // The outbox was closed, or the agent is gone: wake the reader below.
    context->TryCancel();
  });
  absl::Status status;
  do {
    // The gate has let in this node; a stream does not become another one's.
    status = request.node() == node ? Beat(request) : BadRequest({{"node", "must not change"}});
    // A store that cannot be read for a moment is no reason to lose sight of the agent.
    if (!status.ok() && !absl::IsUnavailable(status)) {
      break;
    }
  } while (stream->Read(&request));
  parts_.fleet->Disconnect(node, outbox);
  writer.join();
  return status;
}

absl::Status WorkerService::Beat(const v1::SessionRequest& request) {
  const auto stale = parts_.fleet->Heartbeat(request);
  CountIfStale(request.node(), "Session", stale.status());
  if (stale.ok() && !stale->empty()) {
    parts_.metrics->Counter(metric::kStaleRejections, {{"rpc", "Session"}})
        .Increment(static_cast<double>(stale->size()));
    Remember(request.node(), request.gangs(), *stale);
  }
  return stale.status();
}

grpc::Status WorkerService::ReportEvents(grpc::ServerContext* context,
                                         const v1::ReportEventsRequest* request,
                                         v1::ReportEventsResponse* response) {
  return Serve(*context, *request, "ReportEvents", [&] { return parts_.reports->Apply(*request); });
}

grpc::Status WorkerService::PutLogs(grpc::ServerContext* context, const v1::PutLogsRequest* request,
                                    v1::PutLogsResponse* response) {
  return Serve(*context, *request, "PutLogs", [&] {
    std::vector<v1::LogLine> lines(request->lines().begin(), request->lines().end());
    for (v1::LogLine& line : lines) {
      line.set_text(Redact(line.text()));
    }
    return parts_.logs->Append(request->gang().job_id(), request->gang().generation(), lines);
  });
}

grpc::Status WorkerService::BeginCheckpoint(grpc::ServerContext* context,
                                            const v1::BeginCheckpointRequest* request,
                                            v1::BeginCheckpointResponse* response) {
  return Serve(*context, *request, "BeginCheckpoint", [&]() -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(const CheckpointRow upload,
                             parts_.ledger->Begin(request->gang().job_id(),
                                                  request->gang().generation(), request->step()));
    response->set_upload_id(upload.upload_id);
    response->set_prefix(upload.prefix);
    return absl::OkStatus();
  });
}

grpc::Status WorkerService::CommitCheckpoint(grpc::ServerContext* context,
                                             const v1::CommitCheckpointRequest* request,
                                             v1::CommitCheckpointResponse* response) {
  return Serve(*context, *request, "CommitCheckpoint", [&]() -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(
        const Ledger::Commitment commitment,
        parts_.ledger->Commit(request->gang().job_id(), request->gang().generation(),
                              request->upload_id(), request->step(), request->manifest(),
                              ActorOf(request->node())));
    *response->mutable_checkpoint() = ToProto(commitment.checkpoint, parts_.ledger->store_uri());
    response->mutable_expired_prefixes()->Add(commitment.expired_prefixes.begin(),
                                              commitment.expired_prefixes.end());
    return absl::OkStatus();
  });
}

grpc::Status WorkerService::ReportDamage(grpc::ServerContext* context,
                                         const v1::ReportDamageRequest* request,
                                         v1::ReportDamageResponse* response) {
  return Serve(*context, *request, "ReportDamage", [&] {
    return parts_.ledger->ReportDamage(request->gang().job_id(), request->gang().generation(),
                                       request->uri(), request->fault(), ActorOf(request->node()));
  });
}

}  // namespace ocellus::coordinator
