#include "coordinator/job/spec_check.h"

#include <cctype>
#include <nlohmann/json.hpp>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "models/schema/schema.h"
#include "worker/store/sha256.h"

namespace ocellus::coordinator {
namespace {

using Violations = std::vector<FieldViolation>;

constexpr int kDefaultStopGraceSeconds = 120;
constexpr int kDefaultUnknownRetries = 3;
constexpr int kDefaultEverySteps = 500;
constexpr int kDefaultKeep = 3;

void Require(bool holds, const std::string& field, const std::string& what, Violations* out) {
  if (!holds) {
    out->emplace_back(field, what);
  }
}

void FillDefaults(v1::JobSpec* spec) {
  if (spec->project().empty()) {
    spec->set_project(kProjectByDefault);
  }
  if (spec->device() == v1::DEVICE_UNSPECIFIED) {
    spec->set_device(v1::DEVICE_AUTO);
  }
  if (!spec->retry().has_unknown_retries()) {
    spec->mutable_retry()->set_unknown_retries(kDefaultUnknownRetries);
  }
  auto* checkpoint = spec->mutable_checkpoint();
  if (checkpoint->every_steps() == 0) {
    checkpoint->set_every_steps(kDefaultEverySteps);
  }
  if (checkpoint->keep() == 0) {
    checkpoint->set_keep(kDefaultKeep);
  }
  if (checkpoint->best_metric().empty()) {
    checkpoint->set_best_metric("loss");
  }
  if (!spec->has_stop_grace()) {
    spec->mutable_stop_grace()->set_seconds(kDefaultStopGraceSeconds);
  }
}

void CheckScheduling(const v1::JobSpec& spec, Violations* out) {
  const std::string name_rule =
      absl::StrCat("1 to ", kNameLengthMax, " of a-z, 0-9 and '-', starting with a letter");
  Require(IsName(spec.name()), "name", name_rule, out);
  Require(IsName(spec.project()), "project", name_rule, out);
  Require(std::abs(spec.priority()) <= kPriorityMax, "priority",
          absl::StrCat("from -", kPriorityMax, " to ", kPriorityMax), out);
  Require(spec.ranks() >= 1 && spec.ranks() <= kRanksMax, "ranks",
          absl::StrCat("from 1 to ", kRanksMax), out);
  Require(v1::Device_IsValid(spec.device()), "device", "auto, cpu or cuda", out);
  Require(spec.retry().user_retries() >= 0, "retry.user_retries", "0 or more", out);
  Require(spec.retry().unknown_retries() >= 0, "retry.unknown_retries", "0 or more", out);
  Require(spec.checkpoint().every_steps() >= 1, "checkpoint.every_steps", "1 or more", out);
  Require(spec.checkpoint().keep() >= 1, "checkpoint.keep", "1 or more", out);
  Require(spec.checkpoint().keep_every_steps() >= 0, "checkpoint.keep_every_steps", "0 or more",
          out);
  Require(spec.checkpoint().memory_every_steps() >= 0, "checkpoint.memory_every_steps", "0 or more",
          out);
  Require(spec.checkpoint().keep_best() >= 0, "checkpoint.keep_best", "0 or more", out);
  Require(spec.stop_grace().seconds() >= 0 && spec.stop_grace().seconds() <= kStopGraceSecondsMax,
          "stop_grace_s", absl::StrCat("from 0 to ", kStopGraceSecondsMax), out);
  Require(spec.labels_size() <= kLabelsMax, "labels", absl::StrCat("at most ", kLabelsMax), out);
  for (const auto& [key, value] : spec.labels()) {
    Require(!key.empty() && key.size() <= kNameLengthMax && value.size() <= kNameLengthMax,
            absl::StrCat("labels.", key),
            absl::StrCat("key and value have at most ", kNameLengthMax, " characters"), out);
  }
}

void AddProblems(const std::vector<schema::Problem>& problems, Violations* out) {
  for (const schema::Problem& problem : problems) {
    out->emplace_back(problem.path, problem.hint.empty()
                                        ? problem.message
                                        : absl::StrCat(problem.message, "; ", problem.hint));
  }
}

// The resolved training document, or empty with violations.
std::string ResolveTraining(const v1::JobSpec& spec, Violations* out) {
  const auto document =
      nlohmann::json::parse(spec.training_json(), nullptr, /*allow_exceptions=*/false);
  if (!document.is_object()) {
    out->emplace_back("training_json", "must be one JSON object");
    return "";
  }
  nlohmann::json resolved;
  std::vector<schema::Problem> problems;
  if (schema::ResolveTraining(document, schema::Use::kJob, &resolved, &problems) &&
      schema::CheckRanks(resolved, spec.ranks(), &problems)) {
    return resolved.dump();
  }
  AddProblems(problems, out);
  return "";
}

}  // namespace

bool IsName(const std::string& text) {
  if (text.empty() || text.size() > kNameLengthMax || !std::islower(text[0])) {
    return false;
  }
  for (unsigned char c : text) {
    if (!std::islower(c) && !std::isdigit(c) && c != '-') {
      return false;
    }
  }
  return true;
}

bool IsNodeName(const std::string& text) {
  if (text.empty() || text.size() > kNameLengthMax) {
    return false;
  }
  for (unsigned char c : text) {
    if (!std::isalnum(c) && c != '-' && c != '.' && c != '_') {
      return false;
    }
  }
  return true;
}

absl::StatusOr<CheckedSpec> CheckSpec(const v1::JobSpec& wish) {
  CheckedSpec checked{wish, ""};
  FillDefaults(&checked.spec);
  Violations violations;
  CheckScheduling(checked.spec, &violations);
  checked.resolved_json = ResolveTraining(checked.spec, &violations);
  if (!violations.empty()) {
    return BadRequest(violations);
  }
  return checked;
}

std::string RequestHash(const v1::JobSpec& wish) {
  v1::JobSpec canonical = wish;
  const auto document =
      nlohmann::json::parse(wish.training_json(), nullptr, /*allow_exceptions=*/false);
  if (!document.is_discarded()) {
    canonical.set_training_json(
        document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    canonical.SerializeToCodedStream(&coded);
  }
  return store::Sha256Hex(bytes);
}

}  // namespace ocellus::coordinator
