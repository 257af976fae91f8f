// Ranks that fail, and agents that cannot start.
#include <signal.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "tests/worker/agent/agent_world.h"

namespace ocellus::agent {
namespace {

using testing::HasSubstr;

class AgentEnd : public AgentWorld {
 protected:
  const json train_ = {{{"train", true}}};
};

TEST_F(AgentEnd, ADeadRankTakesTheGangAlong) {
  StartAgent();
  coordinator_->Send(
      StartGang({train_, {{{"steps", 3}}, {{"complain", "about to die"}}, {{"die", SIGKILL}}}}));
  const auto ends = WaitForEnds(2);
  const v1::RankEnded dead = EndOf(ends, 1);
  EXPECT_EQ(dead.outcome(), "DIED");
  EXPECT_EQ(dead.signal(), "SIGKILL");
  EXPECT_EQ(dead.failure_class(), v1::FAILURE_CLASS_INFRA_PROCESS);
  EXPECT_EQ(dead.step(), 3);
  ASSERT_EQ(dead.last_lines_size(), 1);
  EXPECT_EQ(dead.last_lines(0), "about to die");
  EXPECT_THAT(dead.hint(), HasSubstr("dmesg"));
  EXPECT_EQ(EndOf(ends, 0).outcome(), "KILLED");
  EXPECT_EQ(EndOf(ends, 0).signal(), "SIGTERM");
}

TEST_F(AgentEnd, APeerThatIgnoresSigtermIsKilled) {
  AgentOptions options = Options();
  options.limits.peer_term_to_kill = Millis(100);
  StartAgent(options);
  const std::string go = folder_ / "go";
  coordinator_->Send(StartGang({{{{"deaf", true}}}, {{{"await", go}}, {{"exit", 7}}}}));
  ASSERT_TRUE(WaitForLine("deaf"));
  std::filesystem::create_directory(go);
  const auto ends = WaitForEnds(2);
  EXPECT_EQ(EndOf(ends, 1).outcome(), "NO_RECORD");
  EXPECT_EQ(EndOf(ends, 1).exit_code(), 7);
  EXPECT_EQ(EndOf(ends, 1).failure_class(), v1::FAILURE_CLASS_UNKNOWN);
  EXPECT_EQ(EndOf(ends, 0).signal(), "SIGKILL");
}

TEST_F(AgentEnd, ARecordIsPassedOnAsItIs) {
  StartAgent();
  coordinator_->Send(StartGang({{{{"end", {{"class", "user"}, {"outcome", "NO_DATA"}}}}}}));
  const v1::RankEnded end = EndOf(WaitForEnds(1), 0);
  EXPECT_EQ(end.failure_class(), v1::FAILURE_CLASS_USER);
  EXPECT_EQ(end.outcome(), "NO_DATA");
  EXPECT_EQ(end.exit_code(), 2);
  EXPECT_EQ(end.message(), "it is over");
  EXPECT_EQ(end.hint(), "do nothing");
}

TEST_F(AgentEnd, AnOrderThatCannotBeCarriedOutEndsEveryRank) {
  StartAgent();
  v1::SessionResponse order = StartGang({train_, train_});
  order.mutable_start()->set_resolved_json("{");
  coordinator_->Send(order);
  const auto ends = WaitForEnds(2);
  for (int rank : {0, 1}) {
    EXPECT_EQ(EndOf(ends, rank).outcome(), "NOT_STARTED");
    EXPECT_THAT(EndOf(ends, rank).message(), HasSubstr("JSON"));
  }
  EXPECT_TRUE(WaitForGangs(0));
}

TEST_F(AgentEnd, ATrainerThatCannotRunIsToldAtOnce) {
  AgentOptions options = Options();
  options.trainer = folder_ / "none";
  EXPECT_THAT(Agent::Start(options).status().message(), HasSubstr("--trainer"));
}

TEST_F(AgentEnd, OneAgentADataFolderAndAPort) {
  StartAgent(OptionsWithMetrics());
  AgentOptions options = Options();
  EXPECT_THAT(Agent::Start(options).status().message(), HasSubstr("in use"));
  options.data_dir = folder_ / "other";
  options.metrics_listen = agent_->metrics_address();
  EXPECT_THAT(Agent::Start(options).status().message(), HasSubstr("--metrics-listen"));
}

TEST_F(AgentEnd, ANodeNameThatStaysInUseIsAnErrorInTheEnd) {
  std::atomic<int> asked{0};
  coordinator_->SetAnswer([&](const std::string& call) {
    if (call == "Register") ++asked;
    return Refusal(v1::ERROR_REASON_NODE_NAME_IN_USE);
  });
  StartAgent();
  while (!agent_->refusal()) std::this_thread::yield();
  EXPECT_GT(asked, 1);
}

}  // namespace
}  // namespace ocellus::agent
