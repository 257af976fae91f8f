// The one place where a fact becomes durable: SQLite in one file, one writer. Functions on rows are
// in jobs.h, gangs.h, checkpoints.h, nodes.h and events.h; they run inside Read or Write.
//
//   store.Write("cancel", [&](Database& db) -> absl::Status { ... ChangeState(db, ...); ... });
//
// When Write returns OK, everything in it is on the disk; otherwise nothing of it is. Thread-safe;
// do not call one from inside the other.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/base/beacon.h"
#include "coordinator/state/sqlite.h"

namespace ocellus::coordinator {

class Store {
 public:
  // Told about each write transaction: what for, how long it took, how it ended.
  using Observer =
      std::function<void(const std::string& op, double seconds, const absl::Status& result)>;

  // Opens or makes `path` and brings it to the newest version.
  static absl::StatusOr<std::unique_ptr<Store>> Open(const std::string& path,
                                                     Observer observer = nullptr);

  // A snapshot: no write of others is seen half. Does not wait for writers.
  absl::Status Read(absl::FunctionRef<absl::Status(Database&)> body) const;
  absl::Status Write(const std::string& op, absl::FunctionRef<absl::Status(Database&)> body);

  // Notified after each Write that succeeded.
  Beacon& changes() { return changes_; }

 private:
  Store() = default;

  mutable std::mutex read_mutex_;
  std::unique_ptr<Database> reader_;
  std::mutex write_mutex_;
  std::unique_ptr<Database> writer_;
  Observer observer_;
  Beacon changes_;
};

}  // namespace ocellus::coordinator
