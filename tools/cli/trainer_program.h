// Running ocellus-trainer, which lies beside this program, for commands that need its models.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tools/cli/session.h"

namespace ocellus::cli {

enum class TrainerOutput { kToStdout, kToStderr };

// Runs `ocellus-trainer WORDS...` and gives its exit code; 1 for a signal. What it says on stdout
// goes to ours, or to stderr where that is for people alone. Nothing and a failed session when the
// program is not there.
std::optional<int> RunTrainer(Session* session, const std::vector<std::string>& words,
                              TrainerOutput output);

}  // namespace ocellus::cli
