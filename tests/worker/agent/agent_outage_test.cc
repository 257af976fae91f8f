// The coordinator goes away and comes back; training must not notice.
#include <filesystem>
#include <thread>

#include "tests/worker/agent/agent_world.h"

namespace ocellus::agent {
namespace {

using testing::Contains;

class AgentOutage : public AgentWorld {
 protected:
  const json train_ = {{{"train", true}}};

  bool WaitForStepAfter(int64_t step) {
    return coordinator_->WaitFor([&](const Heard& heard) { return heard.NewestStep(0) > step; });
  }
};

TEST_F(AgentOutage, ARestartedCoordinatorIsToldWhoIsThereAndWhatHappened) {
  StartAgent();
  const std::string go = folder_ / "go";
  coordinator_->Send(
      StartGang({{{{"await", go}}, {{"steps", 4}}, {{"checkpoint", true}}}, train_}));
  const int64_t pids[] = {PidOf(0), PidOf(1)};
  const std::string instance = coordinator_->heard().registrations[0].instance_id();
  const int port = coordinator_->port();
  coordinator_.reset();
  std::filesystem::create_directory(go);  // rank 0 asks for its checkpoint in the dark
  coordinator_ = std::make_unique<FakeCoordinator>(port);
  ASSERT_TRUE(coordinator_->WaitFor([](const Heard& heard) { return heard.commits.size() == 1; }));
  const Heard heard = coordinator_->heard();
  EXPECT_EQ(heard.registrations[0].instance_id(), instance);
  ASSERT_EQ(heard.registrations[0].gangs_size(), 1);
  const v1::GangStatus& gang = heard.registrations[0].gangs(0);
  EXPECT_EQ(gang.gang().job_id(), "j-1");
  EXPECT_EQ(gang.gang().generation(), 1);
  ASSERT_EQ(gang.ranks_size(), 2);
  EXPECT_EQ(gang.ranks(0).pid(), pids[0]);
  EXPECT_EQ(gang.ranks(1).pid(), pids[1]);
  EXPECT_TRUE(gang.ranks(1).running());
  coordinator_->Send(StopGang(10, false));
  EXPECT_EQ(EndOf(WaitForEnds(2), 1).outcome(), "STOPPED_AT");
  EXPECT_EQ(EndOf(WaitForEnds(2), 0).outcome(), "SUCCEEDED");
}

TEST_F(AgentOutage, ACoordinatorThatWasLongAwayIsFoundAtOnce) {
  AgentOptions options = Options();
  options.limits.retry_first = Limits().retry_first;
  options.limits.retry_last = Limits().retry_last;
  StartAgent(options);
  ASSERT_TRUE(
      coordinator_->WaitFor([](const Heard& heard) { return !heard.registrations.empty(); }));
  const int port = coordinator_->port();
  coordinator_.reset();
  // The outage, long enough for doubled waits to grow beyond the limit below.
  std::this_thread::sleep_for(Millis(3500));
  const SteadyTime back = SteadyClock::now();
  coordinator_ = std::make_unique<FakeCoordinator>(port);
  ASSERT_TRUE(
      coordinator_->WaitFor([](const Heard& heard) { return !heard.registrations.empty(); }));
  EXPECT_LT(SteadyClock::now() - back, Millis(1500));
}

TEST_F(AgentOutage, ACutStreamIsReopened) {
  StartAgent();
  coordinator_->Send(StartGang({train_}));
  const int64_t pid = PidOf(0);
  ASSERT_TRUE(WaitForStepAfter(0));
  coordinator_->CutStreams();
  ASSERT_TRUE(
      coordinator_->WaitFor([](const Heard& heard) { return heard.registrations.size() == 2; }));
  const int64_t step = coordinator_->heard().NewestStep(0);
  EXPECT_TRUE(WaitForStepAfter(step));
  EXPECT_EQ(coordinator_->heard().registrations[1].gangs(0).ranks(0).pid(), pid);
}

TEST_F(AgentOutage, WhatIsStaleAfterARestartIsKilled) {
  StartAgent();
  const v1::SessionResponse start = StartGang({train_});
  coordinator_->Send(start);
  const int64_t pid = PidOf(0);
  coordinator_->SetStale({start.start().gang()});
  coordinator_->CutStreams();
  EXPECT_TRUE(WaitForDeath(pid));
  EXPECT_TRUE(WaitForGangs(0));
  EXPECT_TRUE(coordinator_->heard().Ends().empty());
}

TEST_F(AgentOutage, ATakenNameAfterAnOutageEndsTheAgent) {
  StartAgent();
  coordinator_->Send(StartGang({train_}));
  const int64_t pid = PidOf(0);
  coordinator_->SetAnswer([](const std::string& call) {
    return call == "Register" ? Refusal(v1::ERROR_REASON_NODE_NAME_IN_USE) : absl::OkStatus();
  });
  coordinator_->CutStreams();
  EXPECT_TRUE(WaitForDeath(pid));
  EXPECT_TRUE(agent_->refusal());
}

TEST_F(AgentOutage, OrphansStopAfterTheirTimeAndAreReportedLater) {
  AgentOptions options = Options();
  options.limits.orphan_timeout = Millis(200);
  StartAgent(options);
  coordinator_->Send(StartGang({train_}));
  const int64_t pid = PidOf(0);
  const int port = coordinator_->port();
  coordinator_.reset();
  EXPECT_TRUE(WaitForDeath(pid));
  coordinator_ = std::make_unique<FakeCoordinator>(port);
  EXPECT_EQ(EndOf(WaitForEnds(1), 0).outcome(), "STOPPED_AT");
  EXPECT_THAT(coordinator_->heard().Texts(), Contains("stopping for ORPHANED"));
}

}  // namespace
}  // namespace ocellus::agent
