// The ledger's other end: what is not needed any more.
#include "coordinator/base/status_macros.h"
#include "coordinator/state/ledger.h"
#include "worker/wire/failpoint.h"

namespace ocellus::coordinator {
namespace {

constexpr int kSweepLimit = 16;

}  // namespace

absl::StatusOr<std::string> Ledger::ReadManifest(const CheckpointRow& row) {
  return objects_->Get(row.prefix + "manifest.json");
}

absl::Status Ledger::Free(const CheckpointRow& row) {
  OCELLUS_RETURN_IF_ERROR(objects_->DeleteCheckpoint(row.prefix));
  return store_->Write("free", [&](Database& db) {
    return MarkSwept(db, {row.job_id, row.upload_id, row.prefix});
  });
}

absl::Status Ledger::Sweep() {
  std::vector<Garbage> garbage;
  OCELLUS_RETURN_IF_ERROR(store_->Read([&](Database& db) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(garbage, FindGarbage(db, clock_->Now() - garbage_age_, kSweepLimit));
    return absl::OkStatus();
  }));
  for (const Garbage& item : garbage) {
    OCELLUS_RETURN_IF_ERROR(objects_->DropUnfinished(item.prefix, garbage_age_));
    OCELLUS_RETURN_IF_ERROR(objects_->DeleteCheckpoint(item.prefix));
    wire::Failpoint("coordinator.swept");
    OCELLUS_RETURN_IF_ERROR(
        store_->Write("sweep", [&](Database& db) { return MarkSwept(db, item); }));
  }
  return absl::OkStatus();
}

}  // namespace ocellus::coordinator
