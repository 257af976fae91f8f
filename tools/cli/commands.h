// The commands. Each Add... puts one command (or a group) into the program; its callback works on
// the session and leaves the exit code there.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "tools/cli/session.h"

namespace ocellus::cli {

void AddUp(CLI::App* app, Session* session);
void AddSubmit(CLI::App* app, Session* session);
void AddValidate(CLI::App* app, Session* session);
void AddExplain(CLI::App* app, Session* session);
void AddJob(CLI::App* app, Session* session);
void AddLogs(CLI::App* job, Session* session);  // `job logs`
void AddCheckpoint(CLI::App* app, Session* session);
void AddCheckpointCare(CLI::App* checkpoint, Session* session);  // `checkpoint show|pin|...`
void AddEval(CLI::App* app, Session* session);
void AddStorage(CLI::App* app, Session* session);
void AddNode(CLI::App* app, Session* session);
void AddNodeAccess(CLI::App* node, Session* session);  // `node join-token|certificates|revoke`
void AddAccess(CLI::App* app, Session* session);       // `login|logout|whoami|token|role|audit`
void AddLogin(CLI::App* app, Session* session);
void AddAudit(CLI::App* app, Session* session);
void AddCluster(CLI::App* app, Session* session);
void AddCompletion(CLI::App* app, Session* session);

// Builds the whole program into `app`.
void AddAll(CLI::App* app, Session* session);

// `--wait` may stand alone or carry a state; CLI11 would take the word after it for the state.
// Gives the arguments with a bare --wait spelled out.
std::vector<std::string> SpellOutWait(std::vector<std::string> arguments);
inline constexpr char kWaitForEnd[] = "end";

// Folder of the running executable: the other programs lie beside it.
std::string ProgramFolder();

}  // namespace ocellus::cli
