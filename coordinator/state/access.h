// Rows of tokens, roles and node certificates. A secret is known by its SHA-256 alone.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/state/sqlite.h"
#include "ocellus/v1/access.pb.h"

namespace ocellus::coordinator {

// Project of roles that hold everywhere, and for the cluster itself.
inline constexpr char kEveryProject[] = "*";

// SHA-256, hexadecimal.
std::string HashOfSecret(const std::string& secret);

struct TokenRow {
  int64_t seq = 0;
  std::string id;
  std::string hash;
  std::string principal;
  std::string label;
  std::string created_by;
  absl::Time created = absl::InfinitePast();
  absl::Time expires = absl::InfinitePast();  // the infinite past: never
  absl::Time revoked = absl::InfinitePast();  // the infinite past: not

  bool IsGood(absl::Time now) const;
};

absl::Status InsertToken(Database& db, const TokenRow& token);
absl::StatusOr<std::optional<TokenRow>> FindTokenByHash(Database& db, const std::string& hash);
absl::StatusOr<std::optional<TokenRow>> FindToken(Database& db, const std::string& id);
// By age, those after `after_seq`; of `principal`, or of everybody when it is empty.
absl::StatusOr<std::vector<TokenRow>> ListTokens(Database& db, const std::string& principal,
                                                 int64_t after_seq, int limit);
absl::Status RevokeToken(Database& db, const std::string& id, absl::Time now);

// By project.
using Roles = std::map<std::string, v1::Role>;
absl::StatusOr<Roles> RolesOf(Database& db, const std::string& principal);
absl::Status GrantRole(Database& db, const std::string& principal, const std::string& project,
                       v1::Role role);
absl::Status RevokeRole(Database& db, const std::string& principal, const std::string& project);

struct BindingRow {
  std::string principal, project;
  v1::Role role = v1::ROLE_UNSPECIFIED;
};
// By project and principal; of `project`, or of all when it is empty.
absl::StatusOr<std::vector<BindingRow>> ListBindings(Database& db, const std::string& project);

struct JoinTokenRow {
  std::string id, hash;
  std::string node;  // empty: any; a '*' at its end: any ending
  std::string created_by;
  absl::Time created, expires;
  int uses_left = 1;
};
absl::Status InsertJoinToken(Database& db, const JoinTokenRow& token);
// Takes one use of it for `node`. PERMISSION_DENIED / JOIN_REFUSED, which says why.
absl::Status UseJoinToken(Database& db, const std::string& hash, const std::string& node,
                          absl::Time now);

struct NodeCertificateRow {
  int64_t seq = 0;
  std::string serial, node;
  absl::Time issued, expires;
  absl::Time revoked = absl::InfinitePast();
};
absl::Status InsertNodeCertificate(Database& db, const NodeCertificateRow& certificate);
// Whether it was issued here, for this node, and not revoked.
absl::StatusOr<bool> IsNodeCertificateGood(Database& db, const std::string& serial,
                                           const std::string& node);
absl::StatusOr<std::vector<NodeCertificateRow>> ListNodeCertificates(Database& db,
                                                                     const std::string& node,
                                                                     int64_t after_seq, int limit);
// Of the node, those that have not expired; how many.
absl::StatusOr<int64_t> RevokeNodeCertificates(Database& db, const std::string& node,
                                               absl::Time now);

}  // namespace ocellus::coordinator
