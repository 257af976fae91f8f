// `storage`: tries a store from this machine, with this machine's credentials.
#include <map>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tools/cli/commands.h"
#include "tools/cli/terminal.h"
#include "worker/store/store_check.h"
#include "worker/wire/fault.h"

namespace ocellus::cli {
namespace {

using store::CheckStep;
using State = CheckStep::State;

const char* StateName(State state) {
  return state == State::kPassed ? "ok" : state == State::kFailed ? "FAILED" : "skipped";
}

void PrintSteps(const std::vector<CheckStep>& steps) {
  Table table{{"OPERATION", "RESULT", "SECONDS", "FOR", "NEEDS"}, {}};
  for (const CheckStep& step : steps) {
    table.rows.push_back(
        {step.name, StateName(step.state),
         step.state == State::kSkipped ? "-" : absl::StrFormat("%.3f", step.seconds), step.serves,
         step.needs});
  }
  Print(Render(table));
}

nlohmann::ordered_json StepsValue(const std::string& uri, const std::vector<CheckStep>& steps) {
  nlohmann::ordered_json value = {{"store", uri}, {"passed", store::Passed(steps)}};
  for (const CheckStep& step : steps) {
    value["steps"].push_back({{"operation", step.name},
                              {"result", StateName(step.state)},
                              {"seconds", step.seconds},
                              {"for", step.serves},
                              {"needs", step.needs},
                              {"message", step.message},
                              {"hint", step.hint}});
  }
  return value;
}

// One paragraph a cause: steps that fail for the same reason have the same hint.
std::string FailureText(const std::vector<CheckStep>& steps) {
  struct Cause {
    std::string names, needs, message;
  };
  std::map<std::string, Cause> causes;  // by hint
  std::vector<std::string> order;
  for (const CheckStep& step : steps) {
    if (step.state != State::kFailed) continue;
    Cause& cause = causes[step.hint];
    if (cause.names.empty()) {
      order.push_back(step.hint);
      cause.message = step.message;
    }
    absl::StrAppend(&cause.names, cause.names.empty() ? "" : ", ", step.name);
    absl::StrAppend(&cause.needs, cause.needs.empty() ? "" : "; ", step.needs);
  }
  std::string text = "a job cannot work with this store";
  for (const std::string& hint : order) {
    const Cause& cause = causes[hint];
    absl::StrAppend(&text, "\n  ", cause.names, ": ", OneLine(cause.message), "\n    needs ",
                    cause.needs, "\n    next: ", OneLine(hint));
  }
  return text;
}

void Check(Session* session, const std::string& uri) {
  try {
    const std::unique_ptr<store::ObjectStore> store = store::OpenStore(uri);
    const std::vector<CheckStep> steps = store::CheckStore(store.get());
    if (!session->PrintValue(StepsValue(store->uri(), steps))) PrintSteps(steps);
    if (!store::Passed(steps)) session->Fail(kFailed, FailureText(steps));
  } catch (const wire::Fault& fault) {
    const bool usage = fault.fault_class() == wire::FaultClass::kUser;
    session->Fail(usage ? kUsage : kFailed,
                  absl::StrCat(OneLine(fault.what()), "\n  next: ", OneLine(fault.hint())));
  }
}

}  // namespace

void AddStorage(CLI::App* app, Session* session) {
  CLI::App* group = app->add_subcommand("storage", "Look at the object storage");
  group->require_subcommand(1);
  CLI::App* check = group->add_subcommand(
      "check", "Try each operation that a job needs on a store, and say what is missing");
  auto uri = std::make_shared<std::string>();
  check->add_option("uri", *uri, "s3://BUCKET/PREFIX?endpoint=..., file:///FOLDER or a folder")
      ->required();
  check->footer(
      "\nWrites about 20 MiB below a fresh prefix, reads them and removes them again. Credentials "
      "come from\nthe environment or ~/.aws, as for workers.");
  check->callback([session, uri] { Check(session, *uri); });
}

}  // namespace ocellus::cli
