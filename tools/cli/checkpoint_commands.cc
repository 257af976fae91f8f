#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tools/cli/commands.h"
#include "tools/cli/job_text.h"
#include "tools/cli/terminal.h"
#include "tools/cli/trainer_program.h"
#include "tools/cli/words.h"

namespace ocellus::cli {
namespace {

constexpr absl::Duration kVerifyTimeout = absl::Minutes(30);

struct CheckpointArguments {
  std::string job;
  int64_t step = 0;
  std::string out;
  bool full = false;
};

void List(Session* session, const std::string& job) {
  v1::ListCheckpointsRequest request;
  request.set_job(job);
  request.set_page_size(kPageSize);
  v1::ListCheckpointsResponse all, page;
  do {
    request.set_page_token(page.next_page_token());
    if (!session->Read(session->checkpoints(), &v1::CheckpointService::Stub::ListCheckpoints,
                       request, &page)) {
      return;
    }
    all.mutable_checkpoints()->MergeFrom(page.checkpoints());
  } while (!page.next_page_token().empty());
  if (session->PrintMessage(all)) {
    return;
  }
  if (session->output() == Output::kName) {
    for (const auto& one : all.checkpoints()) Print(one.uri() + "\n");
    return;
  }
  if (all.checkpoints().empty()) {
    return Note("no checkpoint is committed yet\n  next: ocellus job watch " + job);
  }
  Print(Render(CheckpointTable({all.checkpoints().begin(), all.checkpoints().end()},
                               session->output() == Output::kWide, absl::Now())));
}

void Verify(Session* session, const CheckpointArguments& arguments) {
  v1::VerifyCheckpointRequest request;
  request.set_job(arguments.job);
  request.set_step(arguments.step);
  // It reads every byte, which may take longer than other calls.
  auto result =
      coordinator::Call(session->checkpoints(), &v1::CheckpointService::Stub::VerifyCheckpoint,
                        request, {session->timeout(kVerifyTimeout), {}, {}});
  v1::VerifyCheckpointResponse response;
  if (!session->Take(std::move(result), &response)) {
    return;
  }
  const bool sound = response.faults().empty();
  if (!session->PrintMessage(response)) {
    Print(absl::StrCat(
        "step ", response.checkpoint().step(), "  ", BytesText(response.checkpoint().bytes()), "  ",
        sound ? Tinted("sound", Tint::kGreen) : Tinted("DAMAGED", Tint::kRed), "\n"));
    for (const std::string& fault : response.faults()) {
      Print("  " + OneLine(fault) + "\n");
    }
  }
  if (!sound) {
    session->Fail(kFailed, absl::StrCat("this checkpoint will not be restored; an earlier one will",
                                        "\n  next: ocellus checkpoint list ", arguments.job));
  }
}

void Export(Session* session, const CheckpointArguments& arguments) {
  v1::GetCheckpointResponse response;
  if (!session->ReadCheckpoint(arguments.job, arguments.step, &response)) return;
  const v1::Checkpoint& checkpoint = response.checkpoint();
  Note(absl::StrCat("exporting step ", checkpoint.step(), " of ", checkpoint.job_id()));
  std::vector<std::string> words = {"export", "--checkpoint", checkpoint.uri(), "--out",
                                    arguments.out};
  if (arguments.full) words.push_back("--full");
  // What it says is for people; our stdout has the path alone.
  const auto code = RunTrainer(session, words, TrainerOutput::kToStderr);
  if (!code) {
    return;
  }
  if (*code != 0) {
    return session->Fail(
        *code == kUsage ? kUsage : kFailed,
        absl::StrCat("the export failed (above)\n  next: ocellus checkpoint verify ", arguments.job,
                     " --step ", checkpoint.step()));
  }
  Print(arguments.out + "\n");
}

std::shared_ptr<CheckpointArguments> AddArguments(CLI::App* command) {
  auto arguments = std::make_shared<CheckpointArguments>();
  command->add_option("JOB", arguments->job, "Id, or name: the newest job of that name")
      ->required();
  command->add_option("--step", arguments->step, "Of this step; else the newest")
      ->check(CLI::PositiveNumber);
  return arguments;
}

}  // namespace

void AddCheckpoint(CLI::App* app, Session* session) {
  CLI::App* group =
      app->add_subcommand("checkpoint", "List, verify, keep, copy and export checkpoints");
  group->require_subcommand(1);
  auto job = std::make_shared<std::string>();
  CLI::App* list = group->add_subcommand("list", "Committed checkpoints of a job, newest first");
  list->add_option("JOB", *job, "Id, or name: the newest job of that name")->required();
  list->callback([session, job] { List(session, *job); });

  CLI::App* verify =
      group->add_subcommand("verify", "Read every byte and compare with the manifest");
  auto verified = AddArguments(verify);
  verify->callback([session, verified] { Verify(session, *verified); });

  CLI::App* exporting =
      group->add_subcommand("export", "Write the encoder as a file that timm loads");
  auto exported = AddArguments(exporting);
  exporting->add_option("--out", exported->out, "File to write, .safetensors")->required();
  exporting->add_flag("--full", exported->full, "The whole model under its official names");
  exporting->footer("\nExample:\n  ocellus checkpoint export demo-mae --out encoder.safetensors");
  exporting->callback([session, exported] { Export(session, *exported); });
  AddCheckpointCare(group, session);
}

}  // namespace ocellus::cli
