#include "tools/cli/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/cli/commands.h"

namespace ocellus::cli {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class Completion : public testing::Test {
 protected:
  Completion() { AddAll(&app_, &session_); }
  std::vector<std::string> Of(const std::vector<std::string>& words) {
    return Complete(app_, words);
  }

  Session session_;
  CLI::App app_{"", "ocellus"};
};

TEST_F(Completion, Commands) {
  EXPECT_THAT(Of({"su"}), ElementsAre("submit"));
  EXPECT_THAT(Of({""}), Contains("checkpoint"));
  EXPECT_THAT(Of({"job", "w"}), ElementsAre("watch", "why"));
  EXPECT_THAT(Of({"--server", "job", "job", "wa"}), ElementsAre("watch"));
  EXPECT_THAT(Of({"nonsense"}), IsEmpty());
}

TEST_F(Completion, OptionsAndTheirValues) {
  EXPECT_THAT(Of({"submit", "--re"}), ElementsAre("--request-id"));
  EXPECT_THAT(Of({"submit", "--ser"}), ElementsAre("--server"));
  EXPECT_THAT(Of({"job", "list", "-o", "y"}), ElementsAre("yaml"));
  EXPECT_THAT(Of({"job", "list", "--state", "h"}), ElementsAre("held"));
  EXPECT_THAT(Of({"submit", "--set", "schedule.tot"}), ElementsAre("schedule.total_steps="));
}

TEST_F(Completion, KeysOfADocument) {
  EXPECT_THAT(Of({"explain", "objective.mae.m"}), ElementsAre("objective.mae.mask_ratio"));
}

TEST_F(Completion, FilesAreLeftToTheShell) { EXPECT_THAT(Of({"submit", "jo"}), IsEmpty()); }

TEST_F(Completion, Scripts) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_THAT(CompletionScript(app_, shell), HasSubstr("ocellus __complete")) << shell;
    EXPECT_THAT(CompletionScript(app_, shell), HasSubstr(" submit ")) << shell;
  }
  EXPECT_EQ(CompletionScript(app_, "csh"), "");
}

}  // namespace
}  // namespace ocellus::cli
