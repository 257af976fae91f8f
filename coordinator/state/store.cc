#include "coordinator/state/store.h"

#include <utility>

#include "absl/time/clock.h"
#include "coordinator/base/clock.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/state/migrations.h"

namespace ocellus::coordinator {

absl::StatusOr<std::unique_ptr<Store>> Store::Open(const std::string& path, Observer observer) {
  std::unique_ptr<Store> store(new Store);
  OCELLUS_ASSIGN_OR_RETURN(store->writer_, Database::Open(path));
  OCELLUS_RETURN_IF_ERROR(Migrate(*store->writer_, Migrations()));
  OCELLUS_ASSIGN_OR_RETURN(store->reader_, Database::Open(path));
  OCELLUS_RETURN_IF_ERROR(store->reader_->Script("PRAGMA query_only=ON"));
  store->observer_ = std::move(observer);
  return store;
}

absl::Status Store::Read(absl::FunctionRef<absl::Status(Database&)> body) const {
  std::lock_guard lock(read_mutex_);
  OCELLUS_RETURN_IF_ERROR(reader_->Script("BEGIN"));
  absl::Status status = body(*reader_);
  reader_->Script("ROLLBACK").IgnoreError();
  return status;
}

absl::Status Store::Write(const std::string& op, absl::FunctionRef<absl::Status(Database&)> body) {
  const absl::Duration begun = RealClock().Monotonic();
  absl::Status status;
  {
    std::lock_guard lock(write_mutex_);
    status = writer_->Script("BEGIN IMMEDIATE");
    if (status.ok()) {
      status = body(*writer_);
      if (status.ok()) {
        status = writer_->Script("COMMIT");
      }
      if (!status.ok()) {
        // SQLite has rolled back by itself after some errors; then this does nothing.
        writer_->Script("ROLLBACK").IgnoreError();
      }
    }
  }
  if (observer_) {
    observer_(op, absl::ToDoubleSeconds(RealClock().Monotonic() - begun), status);
  }
  if (status.ok()) {
    changes_.Notify();
  }
  return status;
}

}  // namespace ocellus::coordinator
