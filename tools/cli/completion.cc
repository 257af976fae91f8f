#include "tools/cli/completion.h"

#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "models/schema/schema.h"
#include "tools/cli/commands.h"

namespace ocellus::cli {
namespace {

constexpr char kBash[] = R"sh(_ocellus() {
  local IFS=$'\n' words=("${COMP_WORDS[@]:1:COMP_CWORD}")
  local found=$(ocellus __complete "${words[@]}" 2> /dev/null)
  COMPREPLY=($(compgen -W "$found" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _ocellus ocellus
)sh";

constexpr char kZsh[] = R"sh(_ocellus() {
  local -a candidates
  candidates=("${(@f)$(ocellus __complete "${(@)words[2,CURRENT]}" 2> /dev/null)}")
  if [[ -n ${candidates[1]} ]]; then compadd -- $candidates; else _files; fi
}
compdef _ocellus ocellus
)sh";

constexpr char kFish[] = R"sh(function __ocellus_complete
  set -l words (commandline -opc) (commandline -ct)
  ocellus __complete $words[2..-1] 2> /dev/null
end
complete -c ocellus -a '(__ocellus_complete)'
)sh";

std::vector<const CLI::App*> Subcommands(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* command) { return !command->get_name().empty(); });
}

// An option of the command, or of one above it.
const CLI::Option* FindOption(const CLI::App* app, const std::string& word) {
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      if (option->check_name(word)) {
        return option;
      }
    }
  }
  return nullptr;
}

bool TakesValue(const CLI::App* app, const std::string& word) {
  const CLI::Option* option = absl::StartsWith(word, "-") ? FindOption(app, word) : nullptr;
  return option != nullptr && option->get_expected_max() > 0 && option->get_type_size_max() > 0;
}

std::vector<std::string> ValuesOf(const std::string& option) {
  if (option == "-o" || option == "--output") return {"table", "wide", "json", "yaml", "name"};
  if (option == "--level") return {"debug", "info", "warning", "error"};
  if (option == "--state") {
    return {"pending", "starting",  "running", "stopping",
            "held",    "succeeded", "failed",  "cancelled"};
  }
  std::vector<std::string> keys;
  if (option == "--set") {
    for (const std::string& path : schema::KeyPaths()) keys.push_back(path + "=");
  }
  return keys;
}

std::vector<std::string> OptionsOf(const CLI::App* app) {
  std::vector<std::string> names;
  for (; app != nullptr; app = app->get_parent()) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    }
  }
  return names;
}

}  // namespace

std::vector<std::string> Complete(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* at = &app;
  const std::string current = words.empty() ? "" : words.back();
  std::string before;
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const bool is_value = TakesValue(at, before);
    before = is_value ? "" : words[i];
    for (const CLI::App* command : Subcommands(*at)) {
      if (!is_value && command->get_name() == words[i]) at = command;
    }
  }
  std::vector<std::string> candidates;
  if (TakesValue(at, before)) {
    candidates = ValuesOf(before);
  } else if (absl::StartsWith(current, "-")) {
    candidates = OptionsOf(at);
  } else if (at->get_name() == "explain") {
    candidates = schema::KeyPaths();
  } else if (at->get_name() == "completion") {
    candidates = {"bash", "zsh", "fish"};
  } else {
    for (const CLI::App* command : Subcommands(*at)) candidates.push_back(command->get_name());
  }
  std::vector<std::string> fitting;
  for (const std::string& candidate : candidates) {
    if (absl::StartsWith(candidate, current)) fitting.push_back(candidate);
  }
  return fitting;
}

std::string CompletionScript(const CLI::App& app, const std::string& shell) {
  std::string commands;
  for (const CLI::App* command : Subcommands(app))
    absl::StrAppend(&commands, " ", command->get_name());
  const std::string head = absl::StrCat("# Completion of ocellus:", commands, "\n");
  if (shell == "bash") {
    return absl::StrCat(head, "# Use: source <(ocellus completion bash)\n", kBash);
  }
  if (shell == "zsh") {
    return absl::StrCat("#compdef ocellus\n", head, "# Use: source <(ocellus completion zsh)\n",
                        kZsh);
  }
  if (shell == "fish") {
    return absl::StrCat(head, "# Use: ocellus completion fish | source\n", kFish);
  }
  return "";
}

void AddCompletion(CLI::App* app, Session* session) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command =
      app->add_subcommand("completion", "A script that completes commands and keys");
  command->add_option("SHELL", *shell, "bash, zsh or fish")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  command->footer("\nExample:\n  source <(ocellus completion bash)");
  command->callback([app, shell] { Print(CompletionScript(*app, *shell)); });
}

}  // namespace ocellus::cli
