#include <algorithm>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "coordinator/base/random_id.h"
#include "coordinator/client/address.h"
#include "tools/cli/commands.h"
#include "tools/cli/data_paths.h"
#include "tools/cli/job_document.h"
#include "tools/cli/job_text.h"
#include "tools/cli/message_text.h"
#include "tools/cli/request_journal.h"
#include "tools/cli/terminal.h"
#include "tools/cli/watch.h"
#include "tools/cli/words.h"

namespace ocellus::cli {
namespace {

// So long a submit is repeated, with one request id, while no coordinator answers.
constexpr absl::Duration kSubmitTimeout = absl::Seconds(60);
constexpr absl::Duration kDryRunRetry = absl::Seconds(2);

struct SubmitArguments {
  std::string file;
  std::string wait;  // empty, kWaitForEnd, or a state
  std::string request_id;
  std::vector<std::string> overrides;
  bool dry_run = false;
  bool quiet = false;
  bool no_data_check = false;
};

// Missing data is a mistake where we see what the ranks will see, else a note.
bool DataIsThere(Session* session, const SubmitArguments& arguments, const JobDocument& job) {
  if (arguments.no_data_check) {
    return true;
  }
  const auto missing = MissingPaths(job.file, job.document.training);
  if (missing.empty()) {
    return true;
  }
  std::string text = ProblemsText(job.file, missing);
  if (coordinator::IsLoopback(session->server())) {
    session->FailDocument(absl::StrCat(
        text, "\n  next: correct the path, or give --no-data-check when the workers see ",
        "other files than this machine"));
    return false;
  }
  Note("note: not on this machine (the workers may have it):\n" + text);
  return true;
}

bool Journal(const RequestNote& note) {
  const absl::Status status = WriteNote(JournalPath(), note);
  if (!status.ok()) {
    Note(
        absl::StrCat("note: the request id ", note.request_id, " is not kept: ", status.message()));
  }
  return status.ok();
}

void PrintSubmitted(Session* session, const SubmitArguments& arguments, const v1::Job& job,
                    bool replayed) {
  if (arguments.quiet || session->output() == Output::kName) {
    Print(job.id() + "\n");
    return;
  }
  if (session->PrintMessage(job)) {
    return;
  }
  Print(absl::StrCat(job.id(), "  ", job.spec().name(), "  ", TintedState(StateText(job.state())),
                     replayed ? "  (this request was submitted before)" : "", "\n"));
  if (arguments.wait.empty()) {
    Note("next: ocellus job watch " + job.id());
  }
}

void PrintDryRun(Session* session, const v1::Job& job) {
  if (session->PrintMessage(job)) {
    return;
  }
  Note(absl::StrCat("the coordinator would take ", job.spec().name(), "; nothing was created. ",
                    "Resolved:"));
  Print(YamlText(
      nlohmann::ordered_json::parse(job.resolved_json(), nullptr, /*allow_exceptions=*/false)));
}

void Submit(Session* session, SubmitArguments arguments) {
  std::optional<v1::JobState> until = ParseState(arguments.wait);
  if (!arguments.wait.empty() && arguments.wait != kWaitForEnd && !until.has_value()) {
    return session->Fail(kUsage,
                         absl::StrCat("--wait=", arguments.wait, " is no state; give ",
                                      "running, succeeded, failed, cancelled, or no state"));
  }
  JobDocument job;
  std::vector<schema::Problem> problems;
  if (!ReadJobDocument(arguments.file, arguments.overrides, &job, &problems)) {
    return session->FailDocument(ProblemsText(job.file, problems));
  }
  if (!DataIsThere(session, arguments, job)) {
    return;
  }
  v1::CreateJobRequest request;
  *request.mutable_spec() = ToJobSpec(job.document);
  request.set_validate_only(arguments.dry_run);
  request.set_request_id(arguments.request_id.empty() ? coordinator::NewUuid()
                                                      : arguments.request_id);
  RequestNote note{request.request_id(), session->server(), job.file, request.spec().name(), ""};
  const bool kept = !arguments.dry_run && Journal(note);
  const absl::Duration timeout = session->timeout(kSubmitTimeout);
  const absl::Duration retry_for = arguments.dry_run ? std::min(timeout, kDryRunRetry) : timeout;
  coordinator::CallPolicy policy{
      timeout, retry_for, [&](const absl::Status&) {
        Note(absl::StrCat("no coordinator answers at ", session->server(), "; trying for ",
                          DurationText(retry_for), " (start one with `ocellus up`)"));
      }};
  auto response =
      coordinator::Call(session->jobs(), &v1::JobService::Stub::CreateJob, request, policy);
  if (!response.ok()) {
    session->Fail(response.status());
    const bool unsure =
        absl::IsUnavailable(response.status()) || absl::IsDeadlineExceeded(response.status());
    if (unsure && !arguments.dry_run) {
      Note(absl::StrCat("  to send the same again and get one job: add --request-id ",
                        request.request_id()));
    }
    return;
  }
  if (arguments.dry_run) {
    return PrintDryRun(session, response->job());
  }
  note.job = response->job().id();
  if (kept) {
    Journal(note);
  }
  PrintSubmitted(session, arguments, response->job(), response->replayed());
  if (!arguments.wait.empty()) {
    Watch(session, response->job().id(), {until, /*ends_when_held=*/true, arguments.quiet});
  }
}

}  // namespace

void AddSubmit(CLI::App* app, Session* session) {
  auto arguments = std::make_shared<SubmitArguments>();
  CLI::App* command = app->add_subcommand("submit", "Give a job to the cluster");
  command->add_option("FILE", arguments->file, "Job document in YAML or JSON; - is stdin")
      ->required();
  command->add_option("--wait", arguments->wait,
                      "Watch it to its end, or with --wait=STATE until it is there");
  command->add_flag("--dry-run", arguments->dry_run,
                    "Let the coordinator check everything, print the resolved document, create "
                    "nothing");
  command->add_flag("-q,--quiet", arguments->quiet, "Print the job's id only");
  command->add_option("--request-id", arguments->request_id,
                      "UUID of an earlier try: the same job, not a second one");
  command->add_option("--set", arguments->overrides, "KEY=VALUE over the document; may be repeated")
      ->allow_extra_args(false);
  command->add_flag("--no-data-check", arguments->no_data_check,
                    "Do not look for the data on this machine");
  command->footer(
      "\nExamples:\n"
      "  ocellus submit job.yaml --wait\n"
      "  ocellus submit job.yaml --set schedule.total_steps=1000 --set "
      "'optimizer.adamw.betas=[0.9, "
      "0.98]'\n"
      "  id=$(ocellus submit -q job.yaml)");
  command->callback([session, arguments] { Submit(session, *arguments); });
}

}  // namespace ocellus::cli
