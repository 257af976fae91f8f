#include "coordinator/api/auth_service.h"

#include <algorithm>
#include <cctype>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "coordinator/api/call.h"
#include "coordinator/auth/rules.h"
#include "coordinator/base/error.h"
#include "coordinator/base/private_file.h"
#include "coordinator/base/random_id.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/job/spec_check.h"
#include "coordinator/state/access.h"
#include "coordinator/state/audit.h"
#include "coordinator/state/events.h"

namespace ocellus::coordinator {
namespace {

constexpr absl::Duration kTokenLifetime = absl::Hours(24 * 90);
constexpr absl::Duration kTokenLifetimeMax = absl::Hours(24 * 366);
constexpr size_t kPrincipalMax = 63;
constexpr size_t kLabelMax = 200;
constexpr int kIdLength = 10;
constexpr char kTokenPrefix[] = "oct_";

bool IsPrincipal(const std::string& text) {
  return !text.empty() && text.size() <= kPrincipalMax && absl::ascii_islower(text[0]) &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_islower(c) || absl::ascii_isdigit(c) || c == '.' || c == '@' ||
                  c == '_' || c == '-';
         });
}

void RequirePrincipal(const std::string& text, std::vector<FieldViolation>* violations) {
  if (!IsPrincipal(text)) {
    violations->emplace_back("principal",
                             "1 to 63 of [a-z0-9.@_-], starting with a letter: alice, ci-nightly");
  }
}

void RequireProject(const std::string& text, std::vector<FieldViolation>* violations) {
  if (text != kEveryProject && !IsName(text)) {
    violations->emplace_back("project", "the name of a project, or * for all of them");
  }
}

absl::Status Checked(const std::vector<FieldViolation>& violations) {
  return violations.empty() ? absl::OkStatus() : BadRequest(violations);
}

v1::Token ToProto(const TokenRow& row) {
  v1::Token token;
  token.set_id(row.id);
  token.set_principal(row.principal);
  token.set_label(row.label);
  token.set_created_by(row.created_by);
  *token.mutable_create_time() = coordinator::ToProto(row.created);
  if (row.expires != absl::InfinitePast()) {
    *token.mutable_expire_time() = coordinator::ToProto(row.expires);
  }
  if (row.revoked != absl::InfinitePast()) {
    *token.mutable_revoke_time() = coordinator::ToProto(row.revoked);
  }
  return token;
}

v1::RoleBinding Binding(const std::string& principal, const std::string& project, v1::Role role) {
  v1::RoleBinding binding;
  binding.set_principal(principal);
  binding.set_project(project);
  binding.set_role(role);
  return binding;
}

}  // namespace

grpc::Status AuthService::WhoAmI(grpc::ServerContext* context, const v1::WhoAmIRequest* request,
                                 v1::WhoAmIResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) -> absl::Status {
    response->set_principal(caller.Actor());
    response->set_local_mode(caller.kind == Caller::Kind::kLocal);
    response->set_token_id(caller.credential);
    if (caller.expires != absl::InfinitePast()) {
      *response->mutable_expire_time() = coordinator::ToProto(caller.expires);
    }
    for (const auto& [project, role] : caller.roles) {
      *response->add_roles() = Binding(caller.name, project, role);
    }
    return absl::OkStatus();
  });
}

grpc::Status AuthService::CanI(grpc::ServerContext* context, const v1::CanIRequest* request,
                               v1::CanIResponse* response) {
  return Answer(parts_, *context, *request,
                [&](const Caller& caller) { return Judge(caller, *request, response); });
}

absl::Status AuthService::Judge(const Caller& caller, const v1::CanIRequest& request,
                                v1::CanIResponse* response) {
  OCELLUS_ASSIGN_OR_RETURN(const Rule* rule, FindRule(request.method()));
  const std::string place = rule->scope == v1::ACCESS_SCOPE_CLUSTER ? kEveryProject
                            : request.project().empty()             ? kProjectByDefault
                                                                    : request.project();
  Caller who = caller;
  if (!request.principal().empty() && request.principal() != caller.name) {
    if (!caller.Has(v1::ROLE_ADMIN, place)) {
      return Error(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_ROLE_MISSING,
                   absl::StrCat("only an admin of ", place, " may ask about others"));
    }
    who.kind = Caller::Kind::kUser;
    who.name = request.principal();
    OCELLUS_RETURN_IF_ERROR(parts_.store->Read([&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(who.roles, RolesOf(db, who.name));
      return absl::OkStatus();
    }));
  }
  if (rule->scope == v1::ACCESS_SCOPE_NODE) {
    response->set_allowed(who.kind == Caller::Kind::kLocal);
    response->set_reason("only workers may, with their certificate");
    return absl::OkStatus();
  }
  const v1::Role has = who.RoleIn(place);
  response->set_allowed(has >= rule->role);
  response->set_reason(absl::StrCat(
      rule->method, " needs ",
      rule->role == v1::ROLE_UNSPECIFIED ? "any token" : v1::Role_Name(rule->role).substr(5),
      " in ", place, "; ", who.name, " has ",
      has == v1::ROLE_UNSPECIFIED ? "no role" : v1::Role_Name(has).substr(5), " there"));
  return absl::OkStatus();
}

grpc::Status AuthService::CreateToken(grpc::ServerContext* context,
                                      const v1::CreateTokenRequest* request,
                                      v1::CreateTokenResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) -> absl::Status {
    std::vector<FieldViolation> violations;
    RequirePrincipal(request->principal(), &violations);
    const absl::Duration lifetime =
        request->has_lifetime() ? absl::Seconds(request->lifetime().seconds()) : kTokenLifetime;
    if (lifetime <= absl::ZeroDuration() || lifetime > kTokenLifetimeMax) {
      violations.emplace_back("lifetime", "1 second to 366 days");
    }
    if (request->label().size() > kLabelMax) violations.emplace_back("label", "at most 200 bytes");
    OCELLUS_RETURN_IF_ERROR(Checked(violations));
    const std::string secret = NewSecret(kTokenPrefix);
    TokenRow row;
    row.id = RandomName(kIdLength);
    row.hash = HashOfSecret(secret);
    row.principal = request->principal();
    row.label = request->label();
    row.created_by = caller.Actor();
    row.created = parts_.clock->Now();
    row.expires = row.created + lifetime;
    OCELLUS_RETURN_IF_ERROR(
        parts_.store->Write("create_token", [&](Database& db) { return InsertToken(db, row); }));
    *response->mutable_token() = ToProto(row);
    response->set_secret(secret);
    return absl::OkStatus();
  });
}

grpc::Status AuthService::ListTokens(grpc::ServerContext* context,
                                     const v1::ListTokensRequest* request,
                                     v1::ListTokensResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(const int64_t after, ParsePageToken(request->page_token()));
    const int size = PageSize(request->page_size());
    const bool all = caller.Has(v1::ROLE_ADMIN, kEveryProject);
    return parts_.store->Read([&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(
          const auto rows, coordinator::ListTokens(db, all ? "" : caller.name, after, size + 1));
      for (size_t i = 0; i < rows.size() && static_cast<int>(i) < size; ++i) {
        *response->add_tokens() = ToProto(rows[i]);
      }
      if (static_cast<int>(rows.size()) > size) {
        response->set_next_page_token(absl::StrCat(rows[size - 1].seq));
      }
      return absl::OkStatus();
    });
  });
}

grpc::Status AuthService::RevokeToken(grpc::ServerContext* context,
                                      const v1::RevokeTokenRequest* request,
                                      v1::RevokeTokenResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) {
    return parts_.store->Write("revoke_token", [&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(auto row, FindToken(db, request->id()));
      // What is another's is as if it were not there.
      const bool may = row.has_value() &&
                       (caller.Has(v1::ROLE_ADMIN, kEveryProject) || row->principal == caller.name);
      if (!may) {
        return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_TOKEN_NOT_FOUND,
                     absl::StrCat("no token ", request->id(), "; see `ocellus token list`"));
      }
      OCELLUS_RETURN_IF_ERROR(coordinator::RevokeToken(db, row->id, parts_.clock->Now()));
      OCELLUS_ASSIGN_OR_RETURN(row, FindToken(db, row->id));
      *response->mutable_token() = ToProto(*row);
      return absl::OkStatus();
    });
  });
}

grpc::Status AuthService::GrantRole(grpc::ServerContext* context,
                                    const v1::GrantRoleRequest* request,
                                    v1::GrantRoleResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller&) -> absl::Status {
    std::vector<FieldViolation> violations;
    RequirePrincipal(request->principal(), &violations);
    RequireProject(request->project(), &violations);
    if (request->role() <= v1::ROLE_UNSPECIFIED || request->role() > v1::ROLE_ADMIN) {
      violations.emplace_back("role", "viewer, editor, operator or admin");
    }
    OCELLUS_RETURN_IF_ERROR(Checked(violations));
    *response->mutable_binding() =
        Binding(request->principal(), request->project(), request->role());
    return parts_.store->Write("grant_role", [&](Database& db) {
      return coordinator::GrantRole(db, request->principal(), request->project(), request->role());
    });
  });
}

grpc::Status AuthService::RevokeRole(grpc::ServerContext* context,
                                     const v1::RevokeRoleRequest* request,
                                     v1::RevokeRoleResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller&) -> absl::Status {
    std::vector<FieldViolation> violations;
    RequirePrincipal(request->principal(), &violations);
    RequireProject(request->project(), &violations);
    OCELLUS_RETURN_IF_ERROR(Checked(violations));
    return parts_.store->Write("revoke_role", [&](Database& db) {
      return coordinator::RevokeRole(db, request->principal(), request->project());
    });
  });
}

}  // namespace ocellus::coordinator
