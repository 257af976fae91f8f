// `ocellus`, the command line.
#include <CLI/CLI.hpp>
#include <iostream>
#include <string>
#include <vector>

#include "coordinator/client/address.h"
#include "models/schema/nearest.h"
#include "tools/cli/commands.h"
#include "tools/cli/completion.h"
#include "tools/cli/terminal.h"

namespace {

using ocellus::cli::Session;

// The command that a mistyped one most likely means.
std::string NearestCommand(const CLI::App& app, const std::vector<std::string>& arguments) {
  const CLI::App* at = &app;
  for (const std::string& word : arguments) {
    if (word.empty() || word[0] == '-') {
      return "";
    }
    std::vector<std::string> known;
    const CLI::App* next = nullptr;
    for (const CLI::App* command : at->get_subcommands([](const CLI::App*) { return true; })) {
      known.push_back(command->get_name());
      next = command->get_name() == word ? command : next;
    }
    if (next == nullptr) {
      return known.empty() ? "" : ocellus::schema::Nearest(word, known);
    }
    at = next;
  }
  return "";
}

int UsageError(const CLI::App& app, const std::vector<std::string>& arguments,
               const CLI::ParseError& error) {
  std::cerr << "ocellus: " << error.what() << "\n";
  const std::string nearest = NearestCommand(app, arguments);
  if (!nearest.empty()) {
    std::cerr << "  did you mean " << nearest << "?\n";
  }
  std::cerr << "  next: ocellus";
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    std::cerr << " " << at->get_name();
  }
  std::cerr << " --help\n";
  return ocellus::cli::kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  Session session;
  CLI::App app("", "ocellus");
  ocellus::cli::AddAll(&app, &session);
  const std::vector<std::string> arguments =
      ocellus::cli::SpellOutWait(std::vector<std::string>(argv + 1, argv + argc));
  if (!arguments.empty() && arguments[0] == "__complete") {
    for (const std::string& word :
         ocellus::cli::Complete(app, {arguments.begin() + 1, arguments.end()})) {
      std::cout << word << "\n";
    }
    return 0;
  }
  app.parse_complete_callback([&] {
    ocellus::cli::SetColor(session.options.no_color);
    const absl::Status address = ocellus::coordinator::CheckAddress(session.options.server);
    if (!address.ok()) {
      throw CLI::ValidationError("--server", std::string(address.message()));
    }
  });
  try {
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    app.parse(reversed);
  } catch (const CLI::Success& wish) {
    return app.exit(wish);
  } catch (const CLI::ParseError& error) {
    return UsageError(app, arguments, error);
  }
  return session.exit_code;
}
