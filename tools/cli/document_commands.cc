// `validate` and `explain`: answered from the schemas, without a coordinator.
#include <memory>

#include "absl/strings/str_cat.h"
#include "tools/cli/commands.h"
#include "tools/cli/data_paths.h"
#include "tools/cli/job_document.h"
#include "tools/cli/terminal.h"

namespace ocellus::cli {
namespace {

struct ValidateArguments {
  std::string file;
  std::vector<std::string> overrides;
};

void Validate(Session* session, const ValidateArguments& arguments) {
  JobDocument job;
  std::vector<schema::Problem> problems;
  if (!ReadJobDocument(arguments.file, arguments.overrides, &job, &problems)) {
    return session->FailDocument(ProblemsText(job.file, problems));
  }
  for (const schema::Problem& problem : MissingPaths(job.file, job.document.training)) {
    Note("note: " + problem.ToString());
  }
  nlohmann::ordered_json resolved = job.document.scheduling;
  resolved.update(nlohmann::ordered_json(job.document.training));
  if (!session->PrintValue(resolved)) {
    Print(job.file + " is valid\n");
    Note("next: ocellus submit " + job.file + "   (-o yaml shows it with every default)");
  }
}

void Explain(Session* session, const std::string& key) {
  if (session->output() == Output::kJson || session->output() == Output::kYaml) {
    session->PrintValue(schema::DocumentSchema());
    return;
  }
  bool found = false;
  const std::string text = schema::Explain(key, &found);
  if (found) {
    return Print(text);
  }
  session->Fail(kNotFound, text.substr(0, text.find_last_not_of('\n') + 1));
}

}  // namespace

void AddValidate(CLI::App* app, Session* session) {
  auto arguments = std::make_shared<ValidateArguments>();
  CLI::App* command =
      app->add_subcommand("validate", "Check a job document; -o yaml prints it resolved");
  command->add_option("FILE", arguments->file, "Job document in YAML or JSON; - is stdin")
      ->required();
  command->add_option("--set", arguments->overrides, "KEY=VALUE over the document; may be repeated")
      ->allow_extra_args(false);
  command->callback([session, arguments] { Validate(session, *arguments); });
}

void AddExplain(CLI::App* app, Session* session) {
  auto key = std::make_shared<std::string>();
  CLI::App* command = app->add_subcommand(
      "explain", "What a key of a job document means: type, default, range, source");
  command->add_option("KEY", *key, "objective.mae.mask_ratio, mask_ratio, or a section; none: all");
  command->footer(
      "\nExamples:\n"
      "  ocellus explain                      every key of a job\n"
      "  ocellus explain optimizer.adamw\n"
      "  ocellus explain -o json              the JSON Schema of a job, for an editor");
  command->callback([session, key] { Explain(session, *key); });
}

}  // namespace ocellus::cli
