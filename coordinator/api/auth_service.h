// ocellus.v1.AuthService: tokens, roles, nodes' certificates, the audit log. Thread-safe.
#pragma once

#include "absl/status/status.h"
#include "coordinator/api/parts.h"
#include "coordinator/auth/caller.h"
#include "ocellus/v1/auth.grpc.pb.h"

namespace ocellus::coordinator {

class AuthService final : public v1::AuthService::Service {
 public:
  explicit AuthService(const ApiParts& parts) : parts_(parts) {}

  grpc::Status WhoAmI(grpc::ServerContext* context, const v1::WhoAmIRequest* request,
                      v1::WhoAmIResponse* response) override;
  grpc::Status CanI(grpc::ServerContext* context, const v1::CanIRequest* request,
                    v1::CanIResponse* response) override;
  grpc::Status CreateToken(grpc::ServerContext* context, const v1::CreateTokenRequest* request,
                           v1::CreateTokenResponse* response) override;
  grpc::Status ListTokens(grpc::ServerContext* context, const v1::ListTokensRequest* request,
                          v1::ListTokensResponse* response) override;
  grpc::Status RevokeToken(grpc::ServerContext* context, const v1::RevokeTokenRequest* request,
                           v1::RevokeTokenResponse* response) override;
  grpc::Status GrantRole(grpc::ServerContext* context, const v1::GrantRoleRequest* request,
                         v1::GrantRoleResponse* response) override;
  grpc::Status RevokeRole(grpc::ServerContext* context, const v1::RevokeRoleRequest* request,
                          v1::RevokeRoleResponse* response) override;
  grpc::Status ListRoles(grpc::ServerContext* context, const v1::ListRolesRequest* request,
                         v1::ListRolesResponse* response) override;
  grpc::Status ListAudit(grpc::ServerContext* context, const v1::ListAuditRequest* request,
                         v1::ListAuditResponse* response) override;

  // auth_node.cc. In local mode FAILED_PRECONDITION: there are no certificates.
  grpc::Status CreateJoinToken(grpc::ServerContext* context,
                               const v1::CreateJoinTokenRequest* request,
                               v1::CreateJoinTokenResponse* response) override;
  grpc::Status JoinNode(grpc::ServerContext* context, const v1::JoinNodeRequest* request,
                        v1::JoinNodeResponse* response) override;
  grpc::Status RenewNode(grpc::ServerContext* context, const v1::RenewNodeRequest* request,
                         v1::RenewNodeResponse* response) override;
  grpc::Status ListNodeCertificates(grpc::ServerContext* context,
                                    const v1::ListNodeCertificatesRequest* request,
                                    v1::ListNodeCertificatesResponse* response) override;
  grpc::Status RevokeNode(grpc::ServerContext* context, const v1::RevokeNodeRequest* request,
                          v1::RevokeNodeResponse* response) override;

 private:
  absl::Status CheckMode() const;
  absl::Status Judge(const Caller& caller, const v1::CanIRequest& request,
                     v1::CanIResponse* response);

  const ApiParts parts_;
};

}  // namespace ocellus::coordinator
