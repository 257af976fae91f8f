#include "coordinator/page/answers.h"

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "coordinator/auth/credentials.h"
#include "coordinator/base/error.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/page/curve.h"
#include "google/protobuf/util/json_util.h"
#include "worker/store/store_uri.h"

namespace ocellus::coordinator {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kDeadline{10};
constexpr int kJobsShown = 100;
constexpr int kNodesShown = 500;
constexpr int kEventsAtOnce = 200;
constexpr int64_t kArtifactBytesMax = 16 << 20;
constexpr char kJson[] = "application/json";
constexpr char kPngMagic[] = "\x89PNG\r\n\x1a\n";

template <typename Stub, typename Request, typename Response>
absl::StatusOr<Response> Ask(const PageRequest& who, Stub& stub,
                             grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&,
                                                          Response*),
                             const Request& request) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kDeadline);
  context.AddMetadata(kPagePeerKey, PagePeer(who.peer));
  if (!who.token.empty()) context.AddMetadata("authorization", "Bearer " + who.token);
  Response response;
  OCELLUS_RETURN_IF_ERROR(FromGrpc((stub.*method)(&context, request, &response)));
  return response;
}

// As `ocellus -o json` writes it.
json ToJson(const google::protobuf::Message& message) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  return status.ok() ? json::parse(text, nullptr, /*allow_exceptions=*/false) : json::object();
}

json TrailJson(const std::vector<LossPoint>& trail) {
  json points = json::array();
  for (const LossPoint& point : trail) {
    points.push_back({point.step, std::isfinite(point.loss) ? json(point.loss) : json()});
  }
  return points;
}

}  // namespace

Answers::Answers(const std::shared_ptr<grpc::Channel>& api, Objects* objects, const LiveGangs* live)
    : auth_(v1::AuthService::NewStub(api)),
      jobs_(v1::JobService::NewStub(api)),
      nodes_(v1::NodeService::NewStub(api)),
      admin_(v1::AdminService::NewStub(api)),
      objects_(objects),
      live_(live) {}

absl::StatusOr<PageAnswer> Answers::To(const PageRequest& request) {
  const std::vector<std::string> parts = absl::StrSplit(request.path, '/');
  if (request.path == "/api/overview") return Overview(request);
  const bool of_job = absl::StartsWith(request.path, "/api/jobs/") && !parts[3].empty();
  if (of_job && parts.size() == 4) return Describe(request, parts[3]);
  if (of_job && parts.size() == 5 && (parts[4] == "curve" || parts[4] == "reconstruction")) {
    OCELLUS_ASSIGN_OR_RETURN(const v1::Job job, GetJob(request, parts[3]));
    const bool curve = parts[4] == "curve";
    OCELLUS_ASSIGN_OR_RETURN(const std::string bytes,
                             Artifact(job, curve ? "history" : "reconstruction"));
    if (curve) return PageAnswer{kJson, CurveJson(bytes)};
    if (absl::StartsWith(bytes, kPngMagic)) return PageAnswer{"image/png", bytes};
    return absl::NotFoundError("the job's reconstruction is no PNG");
  }
  return absl::NotFoundError("there is nothing of this name here");
}

absl::StatusOr<PageAnswer> Answers::Overview(const PageRequest& request) {
  OCELLUS_ASSIGN_OR_RETURN(
      const auto who, Ask(request, *auth_, &v1::AuthService::Stub::WhoAmI, v1::WhoAmIRequest()));
  OCELLUS_ASSIGN_OR_RETURN(
      const auto status,
      Ask(request, *admin_, &v1::AdminService::Stub::GetStatus, v1::GetStatusRequest()));
  v1::ListJobsRequest list_jobs;
  list_jobs.set_page_size(kJobsShown);
  OCELLUS_ASSIGN_OR_RETURN(auto jobs,
                           Ask(request, *jobs_, &v1::JobService::Stub::ListJobs, list_jobs));
  for (v1::Job& job : *jobs.mutable_jobs()) {
    if (job.has_last_failure()) job.mutable_last_failure()->clear_last_lines();
  }
  v1::ListNodesRequest list_nodes;
  list_nodes.set_page_size(kNodesShown);
  OCELLUS_ASSIGN_OR_RETURN(const auto nodes,
                           Ask(request, *nodes_, &v1::NodeService::Stub::ListNodes, list_nodes));
  return PageAnswer{kJson, json{{"who", ToJson(who)},
                                {"cluster", ToJson(status)},
                                {"jobs", ToJson(jobs).value("jobs", json::array())},
                                {"more_jobs", !jobs.next_page_token().empty()},
                                {"nodes", ToJson(nodes).value("nodes", json::array())},
                                {"more_nodes", !nodes.next_page_token().empty()}}
                               .dump()};
}

absl::StatusOr<v1::Job> Answers::GetJob(const PageRequest& request, const std::string& name) {
  v1::GetJobRequest get;
  get.set_job(name);
  OCELLUS_ASSIGN_OR_RETURN(auto found, Ask(request, *jobs_, &v1::JobService::Stub::GetJob, get));
  return std::move(*found.mutable_job());
}

absl::StatusOr<PageAnswer> Answers::Describe(const PageRequest& request, const std::string& name) {
  OCELLUS_ASSIGN_OR_RETURN(v1::Job job, GetJob(request, name));
  job.clear_resolved_json();
  job.mutable_spec()->clear_training_json();
  v1::ListEventsRequest list;
  list.set_job(job.id());
  list.set_page_size(kEventsAtOnce);
  list.set_page_token(request.after);
  OCELLUS_ASSIGN_OR_RETURN(const auto events,
                           Ask(request, *jobs_, &v1::JobService::Stub::ListEvents, list));
  return PageAnswer{kJson, json{{"job", ToJson(job)},
                                {"events", ToJson(events).value("events", json::array())},
                                {"more_events", !events.next_page_token().empty()},
                                {"trail", TrailJson(live_->Trail(job.id()))}}
                               .dump()};
}

absl::StatusOr<std::string> Answers::Artifact(const v1::Job& job, const std::string& kind) {
  const auto found = job.artifacts().find(kind);
  if (found == job.artifacts().end()) {
    return absl::NotFoundError(absl::StrCat("the job has no ", kind, " yet"));
  }
  // The worker said where it lies; another project's part of the store is none of its job's.
  const auto key = store::KeyIn(objects_->uri(), found->second);
  const std::string own = absl::StrCat(job.spec().project(), "/", job.id(), "/");
  if (!key.has_value() || !absl::StartsWith(*key, own)) {
    return absl::NotFoundError(absl::StrCat("the job's ", kind, " is not in its own folder"));
  }
  OCELLUS_ASSIGN_OR_RETURN(const auto bytes, objects_->Size(*key));
  if (bytes.value_or(0) > kArtifactBytesMax) {
    return absl::NotFoundError(absl::StrCat("the job's ", kind, " is too large for a page"));
  }
  return objects_->Get(*key);
}

}  // namespace ocellus::coordinator
