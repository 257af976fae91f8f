#include "coordinator/state/ledger.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "coordinator/base/error.h"
#include "coordinator/base/log.h"
#include "coordinator/base/random_id.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/state/checkpoint_care.h"
#include "coordinator/state/events.h"
#include "coordinator/state/gangs.h"
#include "worker/store/sha256.h"
#include "worker/store/store_uri.h"
#include "worker/wire/failpoint.h"

namespace ocellus::coordinator {
namespace {

constexpr int kUploadIdLength = 8;
constexpr char kManifest[] = "manifest.json";

struct File {
  std::string name;
  int64_t bytes = 0;
  std::string sha256;
};

absl::Status Incomplete(const std::string& what) {
  return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_CHECKPOINT_INCOMPLETE,
               absl::StrCat("the checkpoint is not complete: ", what));
}

absl::StatusOr<std::vector<File>> FilesOf(const std::string& manifest) {
  const auto document = nlohmann::json::parse(manifest, nullptr, /*allow_exceptions=*/false);
  if (!document.is_object() || !document.contains("files") || !document["files"].is_array()) {
    return Incomplete("its manifest is no JSON object with a list of files");
  }
  std::vector<File> files;
  for (const auto& entry : document["files"]) {
    const bool sound = entry.is_object() && entry.contains("name") && entry["name"].is_string() &&
                       entry.contains("bytes") && entry["bytes"].is_number_integer() &&
                       entry.contains("sha256") && entry["sha256"].is_string();
    const std::string name = sound ? entry["name"].get<std::string>() : "";
    if (!sound || name.empty() || name.find("..") != std::string::npos || name[0] == '/') {
      return Incomplete("its manifest names a file without name, bytes and sha256");
    }
    files.push_back({name, entry["bytes"].get<int64_t>(), entry["sha256"].get<std::string>()});
  }
  return files;
}

// A manifest that names another job, generation or step than its upload is none of it.
absl::Status CheckOwner(const CheckpointRow& upload, const std::string& manifest) {
  const auto document = nlohmann::json::parse(manifest, nullptr, /*allow_exceptions=*/false);
  const nlohmann::json expected = {
      {"job", upload.job_id}, {"generation", upload.generation}, {"step", upload.step}};
  for (const auto& [key, value] : expected.items()) {
    if (document.is_object() && document.contains(key) && document[key] != value) {
      return Incomplete(absl::StrCat("its manifest has ", key, " ", document[key].dump(), ", not ",
                                     value.dump()));
    }
  }
  return absl::OkStatus();
}

v1::JobEvent CheckpointEvent(const CheckpointRow& row, v1::JobEventType type,
                             const std::string& message, const std::string& actor, absl::Time now) {
  v1::JobEvent event = NewEvent(row.job_id, actor, type, now);
  event.set_generation(row.generation);
  event.set_message(message);
  return event;
}

}  // namespace

absl::StatusOr<CheckpointRow> Ledger::Begin(const std::string& job_id, int64_t generation,
                                            int64_t step) {
  CheckpointRow upload;
  upload.job_id = job_id;
  upload.generation = generation;
  upload.step = step;
  upload.upload_id = RandomHex(kUploadIdLength);
  OCELLUS_RETURN_IF_ERROR(store_->Write("begin_checkpoint", [&](Database& db) -> absl::Status {
    OCELLUS_RETURN_IF_ERROR(CheckCurrent(db, job_id, generation));
    OCELLUS_ASSIGN_OR_RETURN(const JobRow job, ReadJob(db, job_id));
    upload.prefix = absl::StrFormat("%scheckpoints/step-%09d/g%04d-%s/", job.prefix(), step,
                                    generation, upload.upload_id);
    return InsertUpload(db, upload, clock_->Now());
  }));
  wire::Failpoint("coordinator.upload_written");
  return upload;
}

absl::StatusOr<Ledger::Commitment> Ledger::Commit(const std::string& job_id, int64_t generation,
                                                  const std::string& upload_id, int64_t step,
                                                  const std::string& manifest,
                                                  const std::string& actor) {
  std::optional<CheckpointRow> upload;
  OCELLUS_RETURN_IF_ERROR(store_->Read([&](Database& db) -> absl::Status {
    OCELLUS_RETURN_IF_ERROR(CheckCurrent(db, job_id, generation));
    OCELLUS_ASSIGN_OR_RETURN(upload, FindUpload(db, job_id, upload_id));
    return absl::OkStatus();
  }));
  if (!upload.has_value() || upload->generation != generation || upload->step != step) {
    return Incomplete(absl::StrCat("no upload ", upload_id, " of step ", step, " was begun"));
  }
  if (upload->state != v1::CHECKPOINT_STATE_UNSPECIFIED) {
    return Commitment{*upload, {}};  // the answer to an earlier try was lost
  }
  OCELLUS_ASSIGN_OR_RETURN(upload->bytes, CheckFiles(*upload, manifest));
  wire::Failpoint("coordinator.files_checked");
  OCELLUS_RETURN_IF_ERROR(PutManifest(*upload, manifest));
  wire::Failpoint("coordinator.manifest_put");
  upload->sha256 = store::Sha256Hex(manifest);
  auto commitment = WriteRow(*upload, manifest, actor);
  wire::Failpoint("coordinator.row_written");
  return commitment;
}

absl::StatusOr<int64_t> Ledger::CheckFiles(const CheckpointRow& upload,
                                           const std::string& manifest) {
  OCELLUS_ASSIGN_OR_RETURN(const std::vector<File> files, FilesOf(manifest));
  OCELLUS_RETURN_IF_ERROR(CheckOwner(upload, manifest));
  auto total = static_cast<int64_t>(manifest.size());
  for (const File& file : files) {
    OCELLUS_ASSIGN_OR_RETURN(const auto size, objects_->Size(upload.prefix + file.name));
    if (size != file.bytes) {
      return Incomplete(absl::StrCat(
          file.name, size.has_value() ? absl::StrCat(" has ", *size, " bytes") : " is absent",
          ", the manifest says ", file.bytes, " bytes"));
    }
    total += file.bytes;
  }
  return total;
}

absl::Status Ledger::PutManifest(const CheckpointRow& upload, const std::string& manifest) {
  const std::string key = upload.prefix + kManifest;
  OCELLUS_ASSIGN_OR_RETURN(const bool written, objects_->PutIfAbsent(key, manifest));
  if (written) {
    return absl::OkStatus();
  }
  // An earlier try got this far. The same bytes are no harm.
  OCELLUS_ASSIGN_OR_RETURN(const std::string present, objects_->Get(key));
  return present == manifest ? absl::OkStatus() : Incomplete("it has another manifest already");
}

absl::StatusOr<Ledger::Commitment> Ledger::WriteRow(CheckpointRow row, const std::string& manifest,
                                                    const std::string& actor) {
  row.state = v1::CHECKPOINT_STATE_COMMITTED;
  row.committed = clock_->Now();
  std::vector<std::string> expired_prefixes;
  OCELLUS_RETURN_IF_ERROR(store_->Write("commit_checkpoint", [&](Database& db) -> absl::Status {
    expired_prefixes.clear();
    OCELLUS_RETURN_IF_ERROR(CheckCurrent(db, row.job_id, row.generation));
    OCELLUS_ASSIGN_OR_RETURN(const int64_t last, CommittedStep(db, row.job_id));
    if (row.step <= last) {
      return Error(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_WRONG_STATE,
                   absl::StrCat("step ", row.step, " is not above the last commit, step ", last));
    }
    OCELLUS_ASSIGN_OR_RETURN(const JobRow job, ReadJob(db, row.job_id));
    row.metric = MetricOf(manifest, job.spec.checkpoint().best_metric());
    OCELLUS_RETURN_IF_ERROR(InsertCheckpoint(db, row));
    OCELLUS_ASSIGN_OR_RETURN(
        const auto expired,
        ExpireCheckpoints(db, row.job_id, job.spec.checkpoint(), row.committed));
    for (const CheckpointRow& old : expired) {
      expired_prefixes.push_back(old.prefix);
    }
    return AppendEvent(
        db, CheckpointEvent(row, v1::JOB_EVENT_TYPE_CHECKPOINT_COMMITTED,
                            absl::StrCat("step ", row.step, ", ", row.bytes, " bytes"), actor,
                            row.committed));
  }));
  Log(LogSeverity::kInfo, "checkpoint_committed",
      {{"job", row.job_id}, {"generation", row.generation}, {"step", row.step}});
  return Commitment{row, expired_prefixes};
}

absl::Status Ledger::MarkDamaged(Database& db, const CheckpointRow& row, const std::string& fault,
                                 const std::string& actor) {
  const absl::Time now = clock_->Now();
  OCELLUS_RETURN_IF_ERROR(MarkCheckpoint(db, row, v1::CHECKPOINT_STATE_DAMAGED, now));
  Log(LogSeverity::kWarning, "checkpoint_damaged",
      {{"job", row.job_id}, {"step", row.step}, {"fault", fault}});
  return AppendEvent(db, CheckpointEvent(row, v1::JOB_EVENT_TYPE_CHECKPOINT_DAMAGED,
                                         absl::StrCat("step ", row.step, ": ", fault), actor, now));
}

absl::Status Ledger::ReportDamage(const std::string& job_id, int64_t generation,
                                  const std::string& uri, const std::string& fault,
                                  const std::string& actor) {
  const std::string prefix = store::KeyIn(objects_->uri(), uri).value_or(uri);
  return store_->Write("report_damage", [&](Database& db) -> absl::Status {
    OCELLUS_RETURN_IF_ERROR(CheckCurrent(db, job_id, generation));
    OCELLUS_ASSIGN_OR_RETURN(const auto rows, ListCheckpoints(db, job_id, 0, -1));
    for (const CheckpointRow& row : rows) {
      if (row.prefix == prefix) {
        return row.state == v1::CHECKPOINT_STATE_DAMAGED ? absl::OkStatus()
                                                         : MarkDamaged(db, row, fault, actor);
      }
    }
    return Error(absl::StatusCode::kNotFound, v1::ERROR_REASON_CHECKPOINT_NOT_FOUND,
                 absl::StrCat(job_id, " has no checkpoint at ", uri));
  });
}

absl::StatusOr<std::vector<std::string>> Ledger::Verify(CheckpointRow* row,
                                                        const std::string& actor) {
  std::vector<std::string> faults;
  const auto manifest = objects_->Get(row->prefix + kManifest);
  if (!manifest.ok() && !absl::IsNotFound(manifest.status())) {
    return manifest.status();
  }
  std::vector<File> files;
  if (!manifest.ok() || store::Sha256Hex(*manifest) != row->sha256) {
    faults.push_back(absl::StrCat(kManifest, manifest.ok() ? " has been altered" : " is missing"));
  } else {
    OCELLUS_ASSIGN_OR_RETURN(files, FilesOf(*manifest));
  }
  for (const File& file : files) {
    const std::string key = row->prefix + file.name;
    OCELLUS_ASSIGN_OR_RETURN(const auto size, objects_->Size(key));
    if (size != file.bytes) {
      faults.push_back(
          absl::StrCat(file.name, size.has_value() ? " has another size" : " is missing"));
      continue;
    }
    OCELLUS_ASSIGN_OR_RETURN(const std::string sha256, objects_->Sha256Of(key, file.bytes));
    if (sha256 != file.sha256) {
      faults.push_back(absl::StrCat(file.name, " has other bytes than its manifest says"));
    }
  }
  if (!faults.empty() && row->state == v1::CHECKPOINT_STATE_COMMITTED) {
    OCELLUS_RETURN_IF_ERROR(store_->Write("verify_checkpoint", [&](Database& db) {
      return MarkDamaged(db, *row, absl::StrJoin(faults, "; "), actor);
    }));
    row->state = v1::CHECKPOINT_STATE_DAMAGED;
  }
  return faults;
}

}  // namespace ocellus::coordinator
