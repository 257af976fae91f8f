#include "coordinator/state/events.h"

#include "coordinator/base/redact.h"
#include "coordinator/base/status_macros.h"

namespace ocellus::coordinator {

google::protobuf::Timestamp ToProto(absl::Time time) {
  google::protobuf::Timestamp stamp;
  const timespec parts = absl::ToTimespec(time);
  stamp.set_seconds(parts.tv_sec);
  stamp.set_nanos(static_cast<int32_t>(parts.tv_nsec));
  return stamp;
}

v1::JobEvent NewEvent(const std::string& job_id, const std::string& actor, v1::JobEventType type,
                      absl::Time at) {
  v1::JobEvent event;
  event.set_job_id(job_id);
  event.set_actor(actor);
  event.set_type(type);
  *event.mutable_at() = ToProto(at);
  return event;
}

absl::Status AppendEvent(Database& db, const v1::JobEvent& event) {
  const absl::Time at =
      absl::FromUnixSeconds(event.at().seconds()) + absl::Nanoseconds(event.at().nanos());
  v1::JobEvent clean = event;
  clean.set_message(Redact(event.message()));
  return db.Run("INSERT INTO job_events (job, at, actor, type, data) VALUES (?, ?, ?, ?, ?)",
                event.job_id(), at, event.actor(), event.type(), Blob{clean.SerializeAsString()});
}

absl::StatusOr<std::vector<v1::JobEvent>> ListEvents(Database& db, const std::string& job_id,
                                                     int64_t after_seq, int limit) {
  Statement rows =
      db.Query("SELECT seq, data FROM job_events WHERE job = ? AND seq > ? ORDER BY seq LIMIT ?",
               job_id, after_seq, limit);
  std::vector<v1::JobEvent> events;
  while (rows.Next()) {
    v1::JobEvent& event = events.emplace_back();
    event.ParseFromString(rows.Text(1));
    event.set_seq(rows.Int(0));
  }
  OCELLUS_RETURN_IF_ERROR(rows.status());
  return events;
}

}  // namespace ocellus::coordinator
