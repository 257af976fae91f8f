// Whether a caller may make a call: the rule's role, wanted in the place that the request names.
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "coordinator/auth/gate.h"
#include "coordinator/base/error.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/job/spec_check.h"

namespace ocellus::coordinator {
namespace {

using google::protobuf::Message;

std::string RoleName(v1::Role role) {
  return absl::AsciiStrToLower(v1::Role_Name(role).substr(sizeof("ROLE_") - 1));
}

absl::Status RoleMissing(const Caller& caller, const Rule& rule, const std::string& project) {
  return Error(
      absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_ROLE_MISSING,
      absl::StrCat(caller.Actor(), " needs the role ", RoleName(rule.role), " in project ", project,
                   " for ", rule.method, "; an admin gives it with `ocellus role grant`"),
      {{"role", RoleName(rule.role)}, {"project", project}, {"method", rule.method}});
}

absl::Status Denied(const std::string& why) {
  return Error(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_ROLE_MISSING, why);
}

absl::Status AuthorizeNode(const Caller& caller, const std::string& node) {
  if (caller.kind == Caller::Kind::kLocal ||
      (caller.kind == Caller::Kind::kNode && caller.name == node)) {
    return absl::OkStatus();
  }
  return caller.kind == Caller::Kind::kAnonymous
             ? NotAuthenticated("only workers may call this, with their certificate")
             : Denied(absl::StrCat(caller.Actor(), " is not this node"));
}

absl::Status CheckPerson(const Caller& caller) {
  switch (caller.kind) {
    case Caller::Kind::kLocal:
    case Caller::Kind::kUser:
      return absl::OkStatus();
    case Caller::Kind::kNode:
      return Denied("workers may not call this");
    case Caller::Kind::kAnonymous:
      break;
  }
  return NotAuthenticated("the call has no token; `ocellus login`, or set OCELLUS_TOKEN");
}

// Where the role is wanted when the rule says project or cluster.
std::string PlaceOf(const Rule& rule, const Message& request) {
  if (rule.scope == v1::ACCESS_SCOPE_CLUSTER) return kEveryProject;
  const std::string project = FieldOf(request, "project");
  if (!project.empty()) return project;
  const bool has_spec = request.GetDescriptor()->FindFieldByName("spec") != nullptr;
  return has_spec ? kProjectByDefault : kEveryProject;
}

}  // namespace

absl::Status Gate::AuthorizeJob(const Caller& caller, const Rule& rule, const std::string& job,
                                std::string* project) const {
  OCELLUS_RETURN_IF_ERROR(store_->Read([&](Database& db) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(const JobRow row, FindJob(db, job, caller.Projects()));
    *project = row.spec.project();
    return absl::OkStatus();
  }));
  return caller.Has(rule.role, *project) ? absl::OkStatus() : RoleMissing(caller, rule, *project);
}

absl::Status Gate::Authorize(const Caller& caller, const Rule& rule, const Message& request,
                             std::string* project) const {
  if (rule.scope == v1::ACCESS_SCOPE_PUBLIC) return absl::OkStatus();
  if (rule.scope == v1::ACCESS_SCOPE_NODE) return AuthorizeNode(caller, FieldOf(request, "node"));
  OCELLUS_RETURN_IF_ERROR(CheckPerson(caller));
  const std::string job = FieldOf(request, "job");
  if (rule.scope == v1::ACCESS_SCOPE_JOB && !job.empty()) {
    return AuthorizeJob(caller, rule, job, project);
  }
  if (rule.scope == v1::ACCESS_SCOPE_PROJECT || rule.scope == v1::ACCESS_SCOPE_CLUSTER) {
    *project = PlaceOf(rule, request);
    return caller.Has(rule.role, *project) ? absl::OkStatus() : RoleMissing(caller, rule, *project);
  }
  return absl::OkStatus();
}

}  // namespace ocellus::coordinator
