#include <functional>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tools/cli/commands.h"
#include "tools/cli/job_text.h"
#include "tools/cli/terminal.h"
#include "tools/cli/watch.h"
#include "tools/cli/words.h"

namespace ocellus::cli {
namespace {

struct ListArguments {
  std::string project;
  std::vector<std::string> states;
};

void List(Session* session, const ListArguments& arguments) {
  v1::ListJobsRequest request;
  request.set_page_size(kPageSize);
  request.set_project(arguments.project);
  for (const std::string& name : arguments.states) {
    const auto state = ParseState(name);
    if (!state.has_value()) {
      return session->Fail(kUsage, absl::StrCat("--state ", name, " is no state; give pending, ",
                                                "starting, running, stopping, held, succeeded, ",
                                                "failed or cancelled"));
    }
    request.add_states(*state);
  }
  v1::ListJobsResponse all, page;
  do {
    request.set_page_token(page.next_page_token());
    if (!session->Read(session->jobs(), &v1::JobService::Stub::ListJobs, request, &page)) {
      return;
    }
    all.mutable_jobs()->MergeFrom(page.jobs());
  } while (!page.next_page_token().empty());
  if (session->PrintMessage(all)) {
    return;
  }
  const std::vector<v1::Job> jobs(all.jobs().begin(), all.jobs().end());
  if (session->output() == Output::kName) {
    for (const v1::Job& job : jobs) Print(job.id() + "\n");
    return;
  }
  if (jobs.empty()) {
    return Note("no jobs\n  next: ocellus submit job.yaml");
  }
  Print(Render(JobTable(jobs, session->output() == Output::kWide, absl::Now())));
}

void Get(Session* session, const std::string& job) {
  v1::GetJobRequest request;
  request.set_job(job);
  v1::GetJobResponse response;
  if (!session->Read(session->jobs(), &v1::JobService::Stub::GetJob, request, &response) ||
      session->PrintMessage(response.job())) {
    return;
  }
  const bool name_only = session->output() == Output::kName;
  Print(name_only ? response.job().id() + "\n" : JobDetails(response.job(), absl::Now()));
}

// Cancel, hold and resume: one request with the job's name, one job back.
template <typename Request, typename Response>
void Change(Session* session,
            grpc::Status (v1::JobService::Stub::*method)(grpc::ClientContext*, const Request&,
                                                         Response*),
            const std::string& job, const std::string& next) {
  Request request;
  request.set_job(job);
  Response response;
  if (!session->Change(session->jobs(), method, request, &response) ||
      session->PrintMessage(response.job())) {
    return;
  }
  if (session->output() == Output::kName) {
    return Print(response.job().id() + "\n");
  }
  Print(absl::StrCat(response.job().id(), "  ", response.job().spec().name(), "  ",
                     StateLine(response.job()), "\n"));
  if (!IsFinal(response.job().state())) {
    Note(absl::StrCat("next: ocellus job ", next, " ", response.job().id()));
  }
}

void Why(Session* session, const std::string& job) {
  v1::ExplainJobRequest request;
  request.set_job(job);
  v1::ExplainJobResponse response;
  if (!session->Read(session->jobs(), &v1::JobService::Stub::ExplainJob, request, &response) ||
      session->PrintMessage(response)) {
    return;
  }
  std::string text = absl::StrCat(response.job().id(), "  ", response.job().spec().name(), "  ",
                                  StateLine(response.job()), "\n");
  const bool says_more = !absl::EqualsIgnoreCase(response.explanation(), StateLine(response.job()));
  if (!response.explanation().empty() && says_more) {
    absl::StrAppend(&text, OneLine(response.explanation()), "\n");
  }
  if (response.job().has_last_failure()) {
    absl::StrAppend(&text, "last failure: ", OneLine(FailureLine(response.job().last_failure())),
                    "\n");
  }
  for (const std::string& other : response.blocked_by()) {
    absl::StrAppend(&text, "held up by: ", OneLine(other), "\n");
  }
  for (const std::string& step : response.next_steps()) {
    absl::StrAppend(&text, "next: ", OneLine(step), "\n");
  }
  Print(text);
}

void Events(Session* session, const std::string& job) {
  v1::ListEventsRequest request;
  request.set_job(job);
  request.set_page_size(kPageSize);
  v1::ListEventsResponse all, page;
  do {
    request.set_page_token(page.next_page_token());
    if (!session->Read(session->jobs(), &v1::JobService::Stub::ListEvents, request, &page)) {
      return;
    }
    all.mutable_events()->MergeFrom(page.events());
  } while (!page.next_page_token().empty());
  if (session->PrintMessage(all)) {
    return;
  }
  Print(Render(EventTable({all.events().begin(), all.events().end()})));
}

// A command that takes one job.
CLI::App* AddOne(CLI::App* group, const std::string& name, const std::string& description,
                 std::function<void(const std::string&)> run) {
  auto job = std::make_shared<std::string>();
  CLI::App* command = group->add_subcommand(name, description);
  command->add_option("JOB", *job, "Id, or name: the newest job of that name")->required();
  command->callback([job, run] { run(*job); });
  return command;
}

void AddList(CLI::App* group, Session* session) {
  auto arguments = std::make_shared<ListArguments>();
  CLI::App* list = group->add_subcommand("list", "All jobs, newest first");
  list->add_option("--project", arguments->project, "Only this project");
  list->add_option("--state", arguments->states, "Only this state; may be repeated")
      ->allow_extra_args(false);
  list->callback([session, arguments] { List(session, *arguments); });
}

}  // namespace

void AddJob(CLI::App* app, Session* session) {
  using Stub = v1::JobService::Stub;
  CLI::App* group = app->add_subcommand("job", "Look at jobs, and steer them");
  group->require_subcommand(1);
  AddList(group, session);
  AddOne(group, "get", "One job: state, progress, last failure, last commit",
         [session](const std::string& job) { Get(session, job); });
  AddOne(group, "watch", "Follow a job to its end; the exit code is the job's",
         [session](const std::string& job) { Watch(session, job, {}); });
  AddLogs(group, session);
  AddOne(group, "why", "Why a job is where it is, and what would move it",
         [session](const std::string& job) { Why(session, job); });
  AddOne(group, "events", "Everything that happened to a job",
         [session](const std::string& job) { Events(session, job); });
  AddOne(group, "cancel", "Stop a job for good, after a last checkpoint",
         [session](const std::string& job) { Change(session, &Stub::CancelJob, job, "watch"); });
  AddOne(group, "hold", "Stop a job after a checkpoint, and keep it for later",
         [session](const std::string& job) { Change(session, &Stub::HoldJob, job, "resume"); });
  AddOne(group, "resume", "Let a held job run on from its last commit",
         [session](const std::string& job) { Change(session, &Stub::ResumeJob, job, "watch"); });
}

}  // namespace ocellus::cli
