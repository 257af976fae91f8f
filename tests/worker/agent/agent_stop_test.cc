// The one stop protocol, kills, and the agent's own end.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>

#include "coordinator/base/endpoint_file.h"
#include "tests/worker/agent/agent_world.h"

namespace ocellus::agent {
namespace {

using testing::Contains;
using testing::HasSubstr;

class AgentStop : public AgentWorld {
 protected:
  const json train_ = {{{"train", true}}};
  const json deaf_ = {{{"deaf", true}}};

  bool WaitForStep(int rank) {
    return coordinator_->WaitFor([&](const Heard& heard) { return heard.NewestStep(rank) > 0; });
  }
};

TEST_F(AgentStop, RanksThatObeyAckCheckpointAndEnd) {
  StartAgent();
  coordinator_->Send(StartGang({train_, train_}));
  ASSERT_TRUE(WaitForStep(0) && WaitForStep(1));
  coordinator_->Send(StopGang(20, /*checkpoint=*/true));
  const auto ends = WaitForEnds(2);
  EXPECT_EQ(EndOf(ends, 0).outcome(), "STOPPED_AT");
  EXPECT_EQ(EndOf(ends, 1).outcome(), "STOPPED_AT");
  EXPECT_GT(EndOf(ends, 0).step(), 0);
  const Heard heard = coordinator_->heard();
  EXPECT_EQ(heard.commits.size(), 1u);
  EXPECT_THAT(heard.Texts(), Contains("stopping for CANCEL"));
  int acks = 0;
  for (const v1::GangEvent& event : heard.events) acks += event.has_stop_ack();
  EXPECT_EQ(acks, 2);
}

TEST_F(AgentStop, ADeafRankIsWarnedAboutTerminatedAndKilled) {
  StartAgent();
  coordinator_->Send(StartGang({deaf_}));
  ASSERT_TRUE(WaitForLine("deaf"));
  coordinator_->Send(StopGang(0.3, false));
  const v1::RankEnded end = EndOf(WaitForEnds(1), 0);
  EXPECT_EQ(end.outcome(), "KILLED");
  EXPECT_EQ(end.signal(), "SIGKILL");
  bool warned = false;
  for (const v1::GangEvent& event : coordinator_->heard().events) {
    warned = warned || event.warning().text().find("did not answer to stop") != std::string::npos;
  }
  EXPECT_TRUE(warned);
}

TEST_F(AgentStop, ARankThatHangsSaysWhereItStandsFirst) {
  StartAgent();
  coordinator_->Send(StartGang({deaf_}));
  ASSERT_TRUE(WaitForLine("deaf"));
  v1::SessionResponse order = StopGang(600, false);
  order.mutable_stop()->set_cause(v1::JOB_REASON_HANG);
  coordinator_->Send(order);
  EXPECT_TRUE(WaitForLine("stacks"));
  coordinator_->Send(KillGang());
  EXPECT_EQ(EndOf(WaitForEnds(1), 0).outcome(), "KILLED");
}

TEST_F(AgentStop, ASecondStopCanOnlyShortenTheGrace) {
  StartAgent();
  coordinator_->Send(StartGang({deaf_}));
  ASSERT_TRUE(WaitForLine("deaf"));
  coordinator_->Send(StopGang(600, true));
  coordinator_->Send(StopGang(0, false));
  coordinator_->Send(StopGang(600, true));
  EXPECT_EQ(EndOf(WaitForEnds(1), 0).outcome(), "KILLED");
}

TEST_F(AgentStop, KillGangKillsAtOnceAndReports) {
  StartAgent();
  coordinator_->Send(StartGang({deaf_, train_}));
  ASSERT_TRUE(WaitForLine("deaf") && WaitForStep(1));
  coordinator_->Send(KillGang());
  const auto ends = WaitForEnds(2);
  EXPECT_EQ(EndOf(ends, 0).outcome(), "KILLED");
  EXPECT_EQ(EndOf(ends, 1).outcome(), "KILLED");
  EXPECT_TRUE(WaitForGangs(0));
}

TEST_F(AgentStop, AStaleGenerationIsKilledInSilence) {
  StartAgent();
  coordinator_->Send(StartGang({train_, deaf_}));
  const int64_t pids[] = {PidOf(0), PidOf(1)};
  ASSERT_TRUE(WaitForLine("deaf"));
  coordinator_->SetAnswer([](const std::string& call) {
    return call == "ReportEvents" ? Refusal(v1::ERROR_REASON_STALE_GENERATION) : absl::OkStatus();
  });
  for (int64_t pid : pids) EXPECT_TRUE(WaitForDeath(pid));
  EXPECT_TRUE(WaitForGangs(0));
  EXPECT_TRUE(coordinator_->heard().Ends().empty());
  EXPECT_FALSE(agent_->refusal());
}

TEST_F(AgentStop, AStaleSessionEndsTheAgent) {
  StartAgent();
  coordinator_->Send(StartGang({train_}));
  const int64_t pid = PidOf(0);
  coordinator_->SetAnswer([](const std::string& call) {
    return call == "ReportEvents" ? Refusal(v1::ERROR_REASON_STALE_SESSION) : absl::OkStatus();
  });
  EXPECT_TRUE(WaitForDeath(pid));
  EXPECT_TRUE(agent_->refusal());
}

TEST_F(AgentStop, TheAgentsOwnStopLetsRanksCheckpoint) {
  StartAgent();
  coordinator_->Send(StartGang({train_, train_}));
  ASSERT_TRUE(WaitForStep(0) && WaitForStep(1));
  agent_->Stop();
  const Heard heard = coordinator_->heard();
  EXPECT_EQ(heard.commits.size(), 1u);
  ASSERT_EQ(heard.Ends().size(), 2u);
  EXPECT_EQ(EndOf(heard.Ends(), 0).outcome(), "STOPPED_AT");
  EXPECT_THAT(heard.Texts(), Contains("stopping for NODE_SHUTDOWN"));
}

TEST_F(AgentStop, ARankThatTheAgentsStopHadToKillIsChargedToNobody) {
  AgentOptions options = Options();
  options.limits.shutdown_grace = Millis(100);
  StartAgent(options);
  coordinator_->Send(StartGang({deaf_}));
  ASSERT_TRUE(WaitForLine("deaf"));
  agent_->Stop();
  const v1::RankEnded end = EndOf(coordinator_->heard().Ends(), 0);
  EXPECT_EQ(end.outcome(), "KILLED");
  EXPECT_EQ(end.failure_class(), v1::FAILURE_CLASS_COORDINATOR);
}

// The real program, so that it can really be killed.
class WorkerProgram : public AgentStop {
 protected:
  pid_t Spawn() {
    const AgentOptions options = Options();
    const std::string program = std::string(OCELLUS_BINARY_DIR) + "/bin/ocellus-worker";
    const pid_t pid = fork();
    if (pid == 0) {
      execl(program.c_str(), program.c_str(), "--coordinator", options.coordinator.c_str(),
            "--node", "node-a", "--data-dir", options.data_dir.c_str(), "--trainer",
            options.trainer.c_str(), "--metrics-listen", "127.0.0.1:0", nullptr);
      _exit(127);
    }
    return pid;
  }
};

TEST_F(WorkerProgram, WhenItIsKilledItsRanksDieAndANewOneTakesOver) {
  const pid_t first = Spawn();
  coordinator_->Send(StartGang({deaf_, train_}));
  const int64_t pids[] = {PidOf(0), PidOf(1)};
  ASSERT_TRUE(WaitForLine("deaf"));
  kill(first, SIGKILL);
  waitpid(first, nullptr, 0);
  for (int64_t pid : pids) EXPECT_TRUE(WaitForDeath(pid));
  const pid_t second = Spawn();
  EXPECT_TRUE(coordinator_->WaitFor([](const Heard& heard) {
    return heard.registrations.size() == 2 &&
           heard.registrations[0].instance_id() != heard.registrations[1].instance_id() &&
           heard.registrations[1].gangs_size() == 0;
  }));
  kill(second, SIGTERM);
  int status = 0;
  waitpid(second, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST_F(WorkerProgram, SigtermStopsInOrder) {
  const pid_t pid = Spawn();
  coordinator_->Send(StartGang({train_}));
  ASSERT_TRUE(WaitForStep(0));
  EXPECT_TRUE(coordinator::ReadEndpoint(Options().data_dir).ok());
  kill(pid, SIGTERM);
  int status = 0;
  waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(EndOf(coordinator_->heard().Ends(), 0).outcome(), "STOPPED_AT");
}

}  // namespace
}  // namespace ocellus::agent
