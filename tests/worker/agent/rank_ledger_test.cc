#include "worker/agent/rank_ledger.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace ocellus::agent {
namespace {

class RankLedgerTest : public testing::Test {
 protected:
  void SetUp() override {
    child_ = fork();
    if (child_ == 0) {
      for (;;) pause();
    }
  }
  void TearDown() override {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
    std::filesystem::remove(path_);
  }

  const std::string path_ = testing::TempDir() + "/ledger-" + std::to_string(getpid());
  pid_t child_ = 0;
};

TEST_F(RankLedgerTest, WhatAnEarlierProcessLeftIsKilled) {
  RankLedger(path_).Add(child_);
  const auto killed = RankLedger::KillLeftovers(path_);
  ASSERT_TRUE(killed.ok()) << killed.status();
  EXPECT_EQ(*killed, 1);
  int status = 0;
  ASSERT_EQ(waitpid(child_, &status, 0), child_);
  EXPECT_EQ(WTERMSIG(status), SIGKILL);
}

TEST_F(RankLedgerTest, WhatEndedIsForgotten) {
  RankLedger ledger(path_);
  ledger.Add(child_);
  ledger.Remove(child_);
  EXPECT_EQ(*RankLedger::KillLeftovers(path_), 0);
  EXPECT_EQ(waitpid(child_, nullptr, WNOHANG), 0);
}

TEST_F(RankLedgerTest, APidThatWasUsedAgainIsLeftAlone) {
  RankLedger(path_).Add(child_);
  std::ifstream in(path_);
  nlohmann::json content = nlohmann::json::parse(in);
  for (const char* change : {"start_time", "boot_id"}) {
    nlohmann::json other = content;
    (std::string(change) == "boot_id" ? other["boot_id"] : other["ranks"][0]["start_time"]) = "1";
    std::ofstream(path_, std::ios::trunc) << other;
    EXPECT_EQ(*RankLedger::KillLeftovers(path_), 0);
  }
  EXPECT_EQ(waitpid(child_, nullptr, WNOHANG), 0);
}

TEST_F(RankLedgerTest, NoFileAndRubbishAreNoLeftovers) {
  EXPECT_EQ(*RankLedger::KillLeftovers(path_), 0);
  for (const char* text : {"", "[]", "{", R"({"ranks":1})", R"({"ranks":[{"pid":"x"}]})"}) {
    std::ofstream(path_, std::ios::trunc) << text;
    EXPECT_EQ(*RankLedger::KillLeftovers(path_), 0) << text;
  }
}

}  // namespace
}  // namespace ocellus::agent
