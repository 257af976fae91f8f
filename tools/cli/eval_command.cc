#include <sys/stat.h>

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "tools/cli/commands.h"
#include "tools/cli/terminal.h"
#include "tools/cli/trainer_program.h"

namespace ocellus::cli {
namespace {

struct EvalArguments {
  std::string what;
  int64_t step = 0;
  std::string data, val, device, out;
  int64_t train_samples = 0, val_samples = 0, threads = 0;
};

// A folder or URI, which needs no coordinator, rather than a job.
bool IsPlace(const std::string& what) {
  struct stat found {};
  return absl::StrContains(what, "://") || absl::StrContains(what, "/") ||
         (stat(what.c_str(), &found) == 0 && S_ISDIR(found.st_mode));
}

// Where the checkpoint lies; empty and a failed session when the server has none.
std::string UriOf(Session* session, const EvalArguments& arguments) {
  v1::GetCheckpointResponse response;
  if (!session->ReadCheckpoint(arguments.what, arguments.step, &response)) return "";
  Note(absl::StrCat("evaluating step ", response.checkpoint().step(), " of ",
                    response.checkpoint().job_id()));
  return response.checkpoint().uri();
}

std::vector<std::string> Words(const std::string& uri, const EvalArguments& arguments, bool json) {
  std::vector<std::string> words = {"eval", "--checkpoint", uri};
  const auto add = [&words](const char* option, const std::string& value) {
    if (!value.empty()) words.insert(words.end(), {option, value});
  };
  const auto text = [](int64_t number) { return number > 0 ? absl::StrCat(number) : ""; };
  add("--data", arguments.data);
  add("--val", arguments.val);
  add("--device", arguments.device);
  add("--out", arguments.out);
  add("--train-samples", text(arguments.train_samples));
  add("--val-samples", text(arguments.val_samples));
  add("--threads", text(arguments.threads));
  if (json) words.push_back("--json");
  return words;
}

void Eval(Session* session, const EvalArguments& arguments) {
  const Output output = session->output();
  if (output == Output::kYaml || output == Output::kName) {
    return session->Fail(
        kUsage, "eval writes a table or JSON\n  next: ocellus eval " + arguments.what + " -o json");
  }
  const bool place = IsPlace(arguments.what);
  if (place && arguments.step > 0) {
    return session->Fail(kUsage, "--step is of a job's checkpoints; name the checkpoint's folder");
  }
  const std::string uri = place ? arguments.what : UriOf(session, arguments);
  if (uri.empty()) {
    return;
  }
  const auto code =
      RunTrainer(session, Words(uri, arguments, output == Output::kJson), TrainerOutput::kToStdout);
  if (code.value_or(0) != 0) {
    session->Fail(*code == kUsage ? kUsage : kFailed, "the evaluation failed (above)");
  }
}

}  // namespace

void AddEval(CLI::App* app, Session* session) {
  auto arguments = std::make_shared<EvalArguments>();
  CLI::App* eval = app->add_subcommand("eval", "What a checkpoint's encoder has learned");
  eval->add_option("WHAT", arguments->what,
                   "A job's id or name, or the folder or URI of a checkpoint or of a run")
      ->required();
  eval->add_option("--step", arguments->step, "Of this step; else the newest")
      ->check(CLI::PositiveNumber);
  eval->add_option("--data", arguments->data, "Samples to learn from (glob); else the job's");
  eval->add_option("--val", arguments->val, "Samples to ask for; else held back ones");
  eval->add_option("--train-samples", arguments->train_samples, "How many to learn from")
      ->check(CLI::PositiveNumber);
  eval->add_option("--val-samples", arguments->val_samples, "How many to ask for")
      ->check(CLI::PositiveNumber);
  eval->add_option("--device", arguments->device, "cpu (else that) or cuda");
  eval->add_option("--threads", arguments->threads, "Threads of computation")
      ->check(CLI::PositiveNumber);
  eval->add_option("--out", arguments->out, "File that gets the JSON");
  eval->footer(
      "\nExamples:\n  ocellus eval demo-mae\n  ocellus eval runs/mae --data '/data/*.tar' -o json");
  eval->callback([session, arguments] { Eval(session, *arguments); });
}

}  // namespace ocellus::cli
