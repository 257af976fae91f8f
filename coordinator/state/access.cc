#include "coordinator/state/access.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "coordinator/base/error.h"
#include "coordinator/base/status_macros.h"
#include "worker/store/sha256.h"

namespace ocellus::coordinator {
namespace {

constexpr char kTokenColumns[] =
    "SELECT seq, id, hash, principal, label, created_by, created, expires, revoked FROM tokens ";

TokenRow TokenFrom(const Statement& row) {
  TokenRow token;
  token.seq = row.Int(0);
  token.id = row.Text(1);
  token.hash = row.Text(2);
  token.principal = row.Text(3);
  token.label = row.Text(4);
  token.created_by = row.Text(5);
  token.created = row.Time(6);
  token.expires = row.Time(7);
  token.revoked = row.Time(8);
  return token;
}

absl::StatusOr<std::optional<TokenRow>> OneToken(Statement row) {
  std::optional<TokenRow> found;
  if (row.Next()) found = TokenFrom(row);
  OCELLUS_RETURN_IF_ERROR(row.status());
  return found;
}

bool NodeFits(const std::string& pattern, const std::string& node) {
  if (pattern.empty()) return true;
  absl::string_view prefix = pattern;
  return absl::ConsumeSuffix(&prefix, "*") ? absl::StartsWith(node, prefix) : pattern == node;
}

absl::Status JoinRefused(const std::string& why) {
  return Error(
      absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_JOIN_REFUSED,
      absl::StrCat("the join token ", why, "; make a new one with `ocellus node join-token`"));
}

}  // namespace

std::string HashOfSecret(const std::string& secret) { return store::Sha256Hex(secret); }

bool TokenRow::IsGood(absl::Time now) const {
  return revoked == absl::InfinitePast() && (expires == absl::InfinitePast() || now < expires);
}

absl::Status InsertToken(Database& db, const TokenRow& token) {
  return db.Run(
      "INSERT INTO tokens (id, hash, principal, label, created_by, created, expires) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
      token.id, token.hash, token.principal, token.label, token.created_by, token.created,
      token.expires);
}

absl::StatusOr<std::optional<TokenRow>> FindTokenByHash(Database& db, const std::string& hash) {
  static const auto* const sql = new std::string(absl::StrCat(kTokenColumns, "WHERE hash = ?"));
  return OneToken(db.Query(sql->c_str(), hash));
}

absl::StatusOr<std::optional<TokenRow>> FindToken(Database& db, const std::string& id) {
  static const auto* const sql = new std::string(absl::StrCat(kTokenColumns, "WHERE id = ?"));
  return OneToken(db.Query(sql->c_str(), id));
}

absl::StatusOr<std::vector<TokenRow>> ListTokens(Database& db, const std::string& principal,
                                                 int64_t after_seq, int limit) {
  static const auto* const sql = new std::string(absl::StrCat(
      kTokenColumns, "WHERE (?1 = '' OR principal = ?1) AND seq > ?2 ORDER BY seq LIMIT ?3"));
  Statement rows = db.Query(sql->c_str(), principal, after_seq, limit);
  std::vector<TokenRow> tokens;
  while (rows.Next()) tokens.push_back(TokenFrom(rows));
  OCELLUS_RETURN_IF_ERROR(rows.status());
  return tokens;
}

absl::Status RevokeToken(Database& db, const std::string& id, absl::Time now) {
  return db.Run("UPDATE tokens SET revoked = ? WHERE id = ? AND revoked = 0", now, id);
}

absl::StatusOr<Roles> RolesOf(Database& db, const std::string& principal) {
  Statement rows =
      db.Query("SELECT project, role FROM role_bindings WHERE principal = ?", principal);
  Roles roles;
  while (rows.Next()) roles[rows.Text(0)] = static_cast<v1::Role>(rows.Int(1));
  OCELLUS_RETURN_IF_ERROR(rows.status());
  return roles;
}

absl::Status GrantRole(Database& db, const std::string& principal, const std::string& project,
                       v1::Role role) {
  return db.Run("INSERT OR REPLACE INTO role_bindings (principal, project, role) VALUES (?, ?, ?)",
                principal, project, role);
}

absl::Status RevokeRole(Database& db, const std::string& principal, const std::string& project) {
  return db.Run("DELETE FROM role_bindings WHERE principal = ? AND project = ?", principal,
                project);
}

absl::StatusOr<std::vector<BindingRow>> ListBindings(Database& db, const std::string& project) {
  Statement rows = db.Query(
      "SELECT principal, project, role FROM role_bindings WHERE ?1 = '' OR project = ?1 "
      "ORDER BY project, principal",
      project);
  std::vector<BindingRow> bindings;
  while (rows.Next()) {
    bindings.push_back({rows.Text(0), rows.Text(1), static_cast<v1::Role>(rows.Int(2))});
  }
  OCELLUS_RETURN_IF_ERROR(rows.status());
  return bindings;
}

absl::Status InsertJoinToken(Database& db, const JoinTokenRow& token) {
  return db.Run(
      "INSERT INTO join_tokens (id, hash, node, created_by, created, expires, uses_left) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)",
      token.id, token.hash, token.node, token.created_by, token.created, token.expires,
      token.uses_left);
}

absl::Status UseJoinToken(Database& db, const std::string& hash, const std::string& node,
                          absl::Time now) {
  Statement row = db.Query("SELECT node, expires, uses_left FROM join_tokens WHERE hash = ?", hash);
  if (!row.Next()) {
    OCELLUS_RETURN_IF_ERROR(row.status());
    return JoinRefused("is not known here");
  }
  if (row.Int(2) <= 0) return JoinRefused("has been used");
  if (row.Time(1) <= now) return JoinRefused("has expired");
  if (!NodeFits(row.Text(0), node)) return JoinRefused("is for another node");
  return db.Run("UPDATE join_tokens SET uses_left = uses_left - 1 WHERE hash = ?", hash);
}

absl::Status InsertNodeCertificate(Database& db, const NodeCertificateRow& certificate) {
  return db.Run("INSERT INTO node_certificates (serial, node, issued, expires) VALUES (?, ?, ?, ?)",
                certificate.serial, certificate.node, certificate.issued, certificate.expires);
}

absl::StatusOr<bool> IsNodeCertificateGood(Database& db, const std::string& serial,
                                           const std::string& node) {
  Statement row =
      db.Query("SELECT 1 FROM node_certificates WHERE serial = ? AND node = ? AND revoked = 0",
               serial, node);
  const bool good = row.Next();
  OCELLUS_RETURN_IF_ERROR(row.status());
  return good;
}

absl::StatusOr<std::vector<NodeCertificateRow>> ListNodeCertificates(Database& db,
                                                                     const std::string& node,
                                                                     int64_t after_seq, int limit) {
  Statement rows = db.Query(
      "SELECT seq, serial, node, issued, expires, revoked FROM node_certificates "
      "WHERE (?1 = '' OR node = ?1) AND seq > ?2 ORDER BY seq LIMIT ?3",
      node, after_seq, limit);
  std::vector<NodeCertificateRow> found;
  while (rows.Next()) {
    found.push_back(
        {rows.Int(0), rows.Text(1), rows.Text(2), rows.Time(3), rows.Time(4), rows.Time(5)});
  }
  OCELLUS_RETURN_IF_ERROR(rows.status());
  return found;
}

absl::StatusOr<int64_t> RevokeNodeCertificates(Database& db, const std::string& node,
                                               absl::Time now) {
  OCELLUS_RETURN_IF_ERROR(
      db.Run("UPDATE node_certificates SET revoked = ?1 WHERE node = ?2 AND revoked = 0 AND "
             "expires > ?1",
             now, node));
  return db.Changes();
}

}  // namespace ocellus::coordinator
