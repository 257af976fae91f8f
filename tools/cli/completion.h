// Shell completion: the scripts ask `ocellus __complete WORDS...`, which answers from the program's
// own commands and options, so that nothing needs to be kept in step.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace ocellus::cli {

// What may stand in place of the last of `words` (which may be empty or begun): one a line. Empty
// means a file name.
std::vector<std::string> Complete(const CLI::App& app, const std::vector<std::string>& words);

// The script for "bash", "zsh" or "fish"; empty for another shell.
std::string CompletionScript(const CLI::App& app, const std::string& shell);

}  // namespace ocellus::cli
