// The part of AuthService that lists, and that is about nodes.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "coordinator/api/auth_service.h"
#include "coordinator/api/call.h"
#include "coordinator/base/error.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/job/spec_check.h"
#include "coordinator/state/audit.h"
#include "coordinator/state/events.h"

namespace ocellus::coordinator {
namespace {

constexpr absl::Duration kJoinLifetime = absl::Hours(1);
constexpr absl::Duration kJoinLifetimeMax = absl::Hours(24 * 7);
constexpr int kJoinUsesMax = 10'000;

template <typename Response>
void Fill(const IssuedCertificate& issued, Response* response) {
  response->set_certificate(issued.certificate);
  response->set_authority(issued.authority);
  *response->mutable_expire_time() = ToProto(issued.expires);
}

v1::NodeCertificate View(const NodeCertificateRow& row) {
  v1::NodeCertificate certificate;
  certificate.set_serial(row.serial);
  certificate.set_node(row.node);
  *certificate.mutable_issue_time() = ToProto(row.issued);
  *certificate.mutable_expire_time() = ToProto(row.expires);
  if (row.revoked != absl::InfinitePast()) {
    *certificate.mutable_revoke_time() = ToProto(row.revoked);
  }
  return certificate;
}

}  // namespace

absl::Status AuthService::CheckMode() const {
  if (parts_.authority != nullptr) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_WRONG_STATE,
               "this coordinator runs in local mode: nodes join without certificates; start it "
               "with --secure");
}

grpc::Status AuthService::ListRoles(grpc::ServerContext* context,
                                    const v1::ListRolesRequest* request,
                                    v1::ListRolesResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(const int64_t first, ParsePageToken(request->page_token()));
    std::vector<BindingRow> rows;
    OCELLUS_RETURN_IF_ERROR(parts_.store->Read([&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(rows, ListBindings(db, request->project()));
      return absl::OkStatus();
    }));
    std::erase_if(rows, [&](const BindingRow& row) {
      return row.principal != caller.name && !caller.Has(v1::ROLE_ADMIN, row.project);
    });
    const int64_t end = first + PageSize(request->page_size());
    for (int64_t i = first; i < std::min<int64_t>(end, rows.size()); ++i) {
      v1::RoleBinding* binding = response->add_bindings();
      binding->set_principal(rows[i].principal);
      binding->set_project(rows[i].project);
      binding->set_role(rows[i].role);
    }
    if (end < static_cast<int64_t>(rows.size())) response->set_next_page_token(absl::StrCat(end));
    return absl::OkStatus();
  });
}

grpc::Status AuthService::ListAudit(grpc::ServerContext* context,
                                    const v1::ListAuditRequest* request,
                                    v1::ListAuditResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller&) -> absl::Status {
    AuditFilter filter;
    filter.project = request->project();
    filter.actor = request->actor();
    OCELLUS_ASSIGN_OR_RETURN(filter.before_seq, ParsePageToken(request->page_token()));
    const int size = PageSize(request->page_size());
    filter.limit = size + 1;
    return parts_.store->Read([&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(const auto rows, coordinator::ListAudit(db, filter));
      for (const v1::AuditEntry& row : rows) {
        if (response->entries_size() == size) {
          response->set_next_page_token(absl::StrCat(response->entries(size - 1).seq()));
          break;
        }
        *response->add_entries() = row;
      }
      return absl::OkStatus();
    });
  });
}

grpc::Status AuthService::CreateJoinToken(grpc::ServerContext* context,
                                          const v1::CreateJoinTokenRequest* request,
                                          v1::CreateJoinTokenResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) -> absl::Status {
    OCELLUS_RETURN_IF_ERROR(CheckMode());
    const absl::Duration lifetime =
        request->has_lifetime() ? absl::Seconds(request->lifetime().seconds()) : kJoinLifetime;
    if (lifetime <= absl::ZeroDuration() || lifetime > kJoinLifetimeMax) {
      return BadRequest({{"lifetime", "1 second to 7 days"}});
    }
    if (request->uses() < 0 || request->uses() > kJoinUsesMax) {
      return BadRequest({{"uses", "1 to 10000"}});
    }
    OCELLUS_ASSIGN_OR_RETURN(
        const Authority::JoinToken token,
        parts_.authority->NewJoinToken(request->node(), std::max(1, request->uses()), lifetime,
                                       caller.Actor()));
    response->set_id(token.id);
    response->set_secret(token.secret);
    *response->mutable_expire_time() = ToProto(token.expires);
    return absl::OkStatus();
  });
}

grpc::Status AuthService::JoinNode(grpc::ServerContext* context, const v1::JoinNodeRequest* request,
                                   v1::JoinNodeResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) -> absl::Status {
    OCELLUS_RETURN_IF_ERROR(CheckMode());
    if (!IsNodeName(request->node())) return BadRequest({{"node", kNodeNameRule}});
    const auto issued = parts_.authority->Join(*request);
    if (!issued.ok()) {
      parts_.metrics->Counter(metric::kAuthFailures, {{"kind", "join"}}).Increment();
      return issued.status();
    }
    Log(LogSeverity::kInfo, "node_joined", {{"node", request->node()}, {"peer", caller.peer}});
    Fill(*issued, response);
    return absl::OkStatus();
  });
}

grpc::Status AuthService::RenewNode(grpc::ServerContext* context,
                                    const v1::RenewNodeRequest* request,
                                    v1::RenewNodeResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller&) -> absl::Status {
    OCELLUS_RETURN_IF_ERROR(CheckMode());
    OCELLUS_ASSIGN_OR_RETURN(const IssuedCertificate issued, parts_.authority->Renew(*request));
    Fill(issued, response);
    return absl::OkStatus();
  });
}

grpc::Status AuthService::ListNodeCertificates(grpc::ServerContext* context,
                                               const v1::ListNodeCertificatesRequest* request,
                                               v1::ListNodeCertificatesResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller&) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(const int64_t after, ParsePageToken(request->page_token()));
    const int size = PageSize(request->page_size());
    return parts_.store->Read([&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(
          const auto rows, coordinator::ListNodeCertificates(db, request->node(), after, size + 1));
      for (size_t i = 0; i < rows.size() && static_cast<int>(i) < size; ++i) {
        *response->add_certificates() = View(rows[i]);
      }
      if (static_cast<int>(rows.size()) > size) {
        response->set_next_page_token(absl::StrCat(rows[size - 1].seq));
      }
      return absl::OkStatus();
    });
  });
}

grpc::Status AuthService::RevokeNode(grpc::ServerContext* context,
                                     const v1::RevokeNodeRequest* request,
                                     v1::RevokeNodeResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller&) -> absl::Status {
    OCELLUS_RETURN_IF_ERROR(CheckMode());
    return parts_.store->Write("revoke_node", [&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(const int64_t revoked,
                               RevokeNodeCertificates(db, request->node(), parts_.clock->Now()));
      if (revoked == 0) {
        return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_NODE_NOT_FOUND,
                     absl::StrCat("node ", request->node(),
                                  " has no certificate that is good; see `ocellus node list`"));
      }
      response->set_revoked(static_cast<int32_t>(revoked));
      return absl::OkStatus();
    });
  });
}

}  // namespace ocellus::coordinator
