// How a command that is run by hand fails.
#pragma once

#include <functional>
#include <string>

namespace ocellus::trainer {

// Runs `body`. An exception becomes one line on stderr and the exit code: 2 for what the user can
// put right (a wire::Fault of class user, or a file that cannot be read or written), 1 otherwise.
int WithErrorsTold(const std::function<int()>& body);

// The same without a word.
int WithErrorsCounted(const std::function<int()>& body);

// The whole file. Throws wire::Fault (user, NO_SUCH_FILE) that names it.
std::string ReadTextFile(const std::string& path);

}  // namespace ocellus::trainer
