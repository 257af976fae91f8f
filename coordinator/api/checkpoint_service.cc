#include "coordinator/api/checkpoint_service.h"

#include "absl/strings/str_cat.h"
#include "coordinator/api/call.h"
#include "coordinator/base/error.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/state/checkpoint_care.h"
#include "coordinator/state/jobs.h"

namespace ocellus::coordinator {
namespace {

constexpr int kNoLimit = -1;

}  // namespace

grpc::Status CheckpointService::ListCheckpoints(grpc::ServerContext* context,
                                                const v1::ListCheckpointsRequest* request,
                                                v1::ListCheckpointsResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(const int64_t before, ParsePageToken(request->page_token()));
    const int page_size = PageSize(request->page_size());
    return parts_.store->Read([&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(const JobRow job, FindJob(db, request->job(), caller.Projects()));
      OCELLUS_ASSIGN_OR_RETURN(const auto rows,
                               coordinator::ListCheckpoints(db, job.id, before, page_size + 1));
      for (size_t i = 0; i < rows.size(); ++i) {
        if (static_cast<int>(i) == page_size) {
          response->set_next_page_token(absl::StrCat(rows[i - 1].step));
          break;
        }
        *response->add_checkpoints() = ToProto(rows[i], parts_.ledger->store_uri());
      }
      return absl::OkStatus();
    });
  });
}

absl::StatusOr<CheckpointRow> CheckpointService::Find(const Caller& caller, v1::Role role,
                                                      const std::string& job, int64_t step) {
  std::optional<CheckpointRow> found;
  OCELLUS_RETURN_IF_ERROR(parts_.store->Read([&](Database& db) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(const JobRow row, FindJob(db, job, caller.Projects(role)));
    OCELLUS_ASSIGN_OR_RETURN(
        const auto rows, step == 0 ? RestoreList(db, row.id)
                                   : coordinator::ListCheckpoints(db, row.id, step + 1, kNoLimit));
    if (!rows.empty() && (step == 0 || rows.front().step == step)) {
      found = rows.front();
    }
    return absl::OkStatus();
  }));
  if (found.has_value()) {
    return *found;
  }
  return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_CHECKPOINT_NOT_FOUND,
               step == 0 ? absl::StrCat(job, " has no sound checkpoint yet")
                         : absl::StrCat(job, " has no checkpoint of step ", step,
                                        "; see `ocellus checkpoint list ", job, "`"));
}

grpc::Status CheckpointService::GetCheckpoint(grpc::ServerContext* context,
                                              const v1::GetCheckpointRequest* request,
                                              v1::GetCheckpointResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(const CheckpointRow row,
                             Find(caller, v1::ROLE_VIEWER, request->job(), request->step()));
    *response->mutable_checkpoint() = ToProto(row, parts_.ledger->store_uri());
    // The row is the truth; a store that is away is no reason to hide it.
    response->set_manifest(parts_.ledger->ReadManifest(row).value_or(""));
    return absl::OkStatus();
  });
}

grpc::Status CheckpointService::VerifyCheckpoint(grpc::ServerContext* context,
                                                 const v1::VerifyCheckpointRequest* request,
                                                 v1::VerifyCheckpointResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(CheckpointRow row,
                             Find(caller, v1::ROLE_EDITOR, request->job(), request->step()));
    OCELLUS_ASSIGN_OR_RETURN(const auto faults, parts_.ledger->Verify(&row, caller.Actor()));
    *response->mutable_checkpoint() = ToProto(row, parts_.ledger->store_uri());
    response->mutable_faults()->Add(faults.begin(), faults.end());
    return absl::OkStatus();
  });
}

grpc::Status CheckpointService::PinCheckpoint(grpc::ServerContext* context,
                                              const v1::PinCheckpointRequest* request,
                                              v1::PinCheckpointResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(CheckpointRow row,
                             Find(caller, v1::ROLE_EDITOR, request->job(), request->step()));
    OCELLUS_RETURN_IF_ERROR(parts_.store->Write("pin_checkpoint", [&](Database& db) {
      return SetPinned(db, request->pinned(), caller.Actor(), parts_.clock->Now(), &row);
    }));
    *response->mutable_checkpoint() = ToProto(row, parts_.ledger->store_uri());
    return absl::OkStatus();
  });
}

grpc::Status CheckpointService::DeleteCheckpoint(grpc::ServerContext* context,
                                                 const v1::DeleteCheckpointRequest* request,
                                                 v1::DeleteCheckpointResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) -> absl::Status {
    if (request->step() <= 0) {
      return BadRequest({{"step", "say which: the step of the checkpoint"}});
    }
    OCELLUS_ASSIGN_OR_RETURN(CheckpointRow row,
                             Find(caller, v1::ROLE_EDITOR, request->job(), request->step()));
    OCELLUS_RETURN_IF_ERROR(parts_.store->Write("delete_checkpoint", [&](Database& db) {
      return Remove(db, request->force(), caller.Actor(), parts_.clock->Now(), &row);
    }));
    // Gone by the row; the bytes follow now, or with a later sweep.
    response->set_remaining(std::string(parts_.ledger->Free(row).message()));
    *response->mutable_checkpoint() = ToProto(row, parts_.ledger->store_uri());
    return absl::OkStatus();
  });
}

grpc::Status CheckpointService::RecordCopy(grpc::ServerContext* context,
                                           const v1::RecordCopyRequest* request,
                                           v1::RecordCopyResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(const CheckpointRow row,
                             Find(caller, v1::ROLE_EDITOR, request->job(), request->step()));
    return parts_.store->Write("record_copy", [&](Database& db) {
      return coordinator::RecordCopy(db, row, request->destination(), caller.Actor(),
                                     parts_.clock->Now());
    });
  });
}

}  // namespace ocellus::coordinator
