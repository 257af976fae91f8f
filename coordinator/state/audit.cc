#include "coordinator/state/audit.h"

#include "coordinator/base/status_macros.h"
#include "coordinator/state/events.h"

namespace ocellus::coordinator {
namespace {

constexpr absl::Duration kAuditKept = absl::Hours(24 * 365);

}  // namespace

absl::Status AppendAudit(Database& db, const v1::AuditEntry& entry, absl::Time at) {
  return db.Run(
      "INSERT INTO audit (at, actor, peer, method, project, request, result, message, request_id) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      at, entry.actor(), entry.peer(), entry.method(), entry.project(), entry.request(),
      entry.result(), entry.message(), entry.request_id());
}

absl::StatusOr<std::vector<v1::AuditEntry>> ListAudit(Database& db, const AuditFilter& filter) {
  Statement rows = db.Query(
      "SELECT seq, at, actor, peer, method, project, request, result, message, request_id "
      "FROM audit WHERE (?1 = '' OR project = ?1) AND (?2 = '' OR actor = ?2) AND "
      "(?3 = 0 OR seq < ?3) ORDER BY seq DESC LIMIT ?4",
      filter.project, filter.actor, filter.before_seq, filter.limit);
  std::vector<v1::AuditEntry> entries;
  while (rows.Next()) {
    v1::AuditEntry& entry = entries.emplace_back();
    entry.set_seq(rows.Int(0));
    *entry.mutable_at() = ToProto(rows.Time(1));
    entry.set_actor(rows.Text(2));
    entry.set_peer(rows.Text(3));
    entry.set_method(rows.Text(4));
    entry.set_project(rows.Text(5));
    entry.set_request(rows.Text(6));
    entry.set_result(rows.Text(7));
    entry.set_message(rows.Text(8));
    entry.set_request_id(rows.Text(9));
  }
  OCELLUS_RETURN_IF_ERROR(rows.status());
  return entries;
}

absl::Status ForgetAudit(Database& db, absl::Time now) {
  return db.Run("DELETE FROM audit WHERE at < ?", now - kAuditKept);
}

}  // namespace ocellus::coordinator
