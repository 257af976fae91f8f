#include <unistd.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "coordinator/base/protocol.h"
#include "tools/cli/commands.h"
#include "tools/cli/terminal.h"

namespace ocellus::cli {
namespace {

constexpr char kDescription[] =
    "Ocellus pretrains vision models on a cluster.\n\n"
    "  ocellus up                                 start a cluster on this machine\n"
    "  ocellus submit job.yaml --wait             train, and watch it\n"
    "  ocellus explain objective.mae.mask_ratio   what a key of a job means\n"
    "  ocellus job list                           what runs, waits and has ended\n"
    "  ocellus eval JOB                           what its encoder has learned\n"
    "  ocellus checkpoint export JOB --out encoder.safetensors\n";

constexpr char kFooter[] =
    "\nExit codes: 0 succeeded, 1 failed, 2 usage, 3 not found, 4 denied, 5 unavailable, "
    "6 timed out, 7 cancelled.";

void AddSharedOptions(CLI::App* app, Session* session) {
  Options& options = session->options;
  const char* server = std::getenv("OCELLUS_SERVER");
  options.server = server != nullptr && *server != '\0'
                       ? server
                       : absl::StrCat("127.0.0.1:", coordinator::kCoordinatorPort);
  app->add_option("--server", options.server,
                  "Coordinator, HOST:PORT (else $OCELLUS_SERVER, else 127.0.0.1:7410)");
  app->add_option("--ca", options.authority,
                  "Who signs its certificate, a PEM file (else $OCELLUS_CA, else as at login)")
      ->envname("OCELLUS_CA");
  app->add_option("--token-file", options.token_file,
                  "File with a token (else $OCELLUS_TOKEN, else as at login)");
  app->add_flag("--insecure", options.insecure,
                "Without encryption to another machine, and without the token");
  app->add_option("-o,--output", options.output, "table, wide, json, yaml or name")
      ->check(CLI::IsMember({"table", "wide", "json", "yaml", "name"}));
  app->add_option("--timeout", options.timeout_s, "Seconds that the command may take")
      ->check(CLI::NonNegativeNumber);
  app->add_flag("--no-color", options.no_color, "Plain text (also with NO_COLOR set)");
}

// Options that stand anywhere are found by every command.
void FallThrough(CLI::App* app) {
  for (CLI::App* command : app->get_subcommands({})) {
    command->fallthrough();
    FallThrough(command);
  }
}

}  // namespace

void AddAll(CLI::App* app, Session* session) {
  app->description(kDescription);
  app->footer(kFooter);
  app->set_version_flag("--version", absl::StrCat("ocellus ", coordinator::kVersion, " (protocol ",
                                                  coordinator::kProtocol, ")"));
  AddSharedOptions(app, session);
  AddUp(app, session);
  AddSubmit(app, session);
  AddValidate(app, session);
  AddExplain(app, session);
  AddJob(app, session);
  AddCheckpoint(app, session);
  AddEval(app, session);
  AddStorage(app, session);
  AddNode(app, session);
  AddAccess(app, session);
  AddCluster(app, session);
  AddCompletion(app, session);
  app->require_subcommand(1);
  FallThrough(app);
}

std::vector<std::string> SpellOutWait(std::vector<std::string> arguments) {
  for (std::string& argument : arguments) {
    if (argument == "--") break;
    if (argument == "--wait") argument = absl::StrCat("--wait=", kWaitForEnd);
  }
  return arguments;
}

std::string ProgramFolder() {
  std::string path(4096, '\0');
  const ssize_t size = readlink("/proc/self/exe", path.data(), path.size());
  path.resize(size > 0 ? size : 0);
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

}  // namespace ocellus::cli
