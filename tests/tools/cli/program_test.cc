// Arguments as CLI11 reads them.
#include <gtest/gtest.h>

#include <functional>

#include "tools/cli/commands.h"

namespace ocellus::cli {
namespace {

TEST(Program, WaitAloneDoesNotEatTheFile) {
  EXPECT_EQ(SpellOutWait({"submit", "--wait", "job.yaml"}),
            (std::vector<std::string>{"submit", "--wait=end", "job.yaml"}));
  EXPECT_EQ(SpellOutWait({"submit", "--wait=running", "job.yaml"}),
            (std::vector<std::string>{"submit", "--wait=running", "job.yaml"}));
  EXPECT_EQ(SpellOutWait({"x", "--", "--wait"}), (std::vector<std::string>{"x", "--", "--wait"}));
}

TEST(Program, EveryCommandSaysWhatItDoes) {
  Session session;
  CLI::App app("", "ocellus");
  AddAll(&app, &session);
  int commands = 0;
  std::function<void(const CLI::App*)> look = [&](const CLI::App* at) {
    for (const CLI::App* command : at->get_subcommands([](const CLI::App*) { return true; })) {
      ++commands;
      EXPECT_GT(command->get_description().size(), 8u) << command->get_name();
      for (const CLI::Option* option : command->get_options()) {
        EXPECT_GT(option->get_description().size(), 4u) << option->get_name();
      }
      look(command);
    }
  };
  look(&app);
  EXPECT_GE(commands, 22);
}

TEST(Program, SharedOptionsStandAnywhere) {
  for (const char* line :
       {"-o json explain seed", "explain seed -o json", "explain -o json seed"}) {
    Session session;
    CLI::App app("", "ocellus");
    AddAll(&app, &session);
    testing::internal::CaptureStdout();
    EXPECT_NO_THROW(app.parse(line)) << line;
    EXPECT_NE(testing::internal::GetCapturedStdout().find("json-schema.org"), std::string::npos);
    EXPECT_EQ(session.exit_code, kSucceeded);
  }
}

TEST(Program, MistakesAreParseErrors) {
  for (const char* line : {"", "nonsense", "job", "job gte x", "submit", "-o xml job list",
                           "job logs x --level loud", "job logs x --tail 0", "up --port 99999"}) {
    Session session;
    CLI::App app("", "ocellus");
    AddAll(&app, &session);
    EXPECT_THROW(app.parse(line), CLI::ParseError) << line;
  }
}

}  // namespace
}  // namespace ocellus::cli
