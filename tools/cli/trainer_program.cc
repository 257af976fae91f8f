#include "tools/cli/trainer_program.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "absl/strings/str_cat.h"
#include "tools/cli/commands.h"

namespace ocellus::cli {

std::optional<int> RunTrainer(Session* session, const std::vector<std::string>& words,
                              TrainerOutput output) {
  const std::string trainer = ProgramFolder() + "/ocellus-trainer";
  if (access(trainer.c_str(), X_OK) != 0) {
    session->Fail(kFailed, absl::StrCat(trainer,
                                        " is not there\n  next: build or install "
                                        "ocellus-trainer beside ocellus"));
    return std::nullopt;
  }
  std::vector<const char*> arguments = {trainer.c_str()};
  for (const std::string& word : words) arguments.push_back(word.c_str());
  arguments.push_back(nullptr);
  pid_t pid = 0;
  int status = 0;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (output == TrainerOutput::kToStderr) {
    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
  }
  const int error = posix_spawn(&pid, trainer.c_str(), &actions, nullptr,
                                const_cast<char* const*>(arguments.data()), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0 || waitpid(pid, &status, 0) != pid) {
    return kFailed;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : kFailed;
}

}  // namespace ocellus::cli
