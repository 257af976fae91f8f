#include "coordinator/fleet/fleet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "coordinator/base/error.h"
#include "coordinator/base/simulated_clock.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/state/gangs.h"
#include "tests/coordinator/support/fixtures.h"

namespace ocellus::coordinator {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

v1::RegisterRequest Agent(const std::string& node, const std::string& instance) {
  v1::RegisterRequest request;
  request.set_node(node);
  request.set_instance_id(instance);
  request.mutable_inventory()->set_cpu_slots(2);
  return request;
}

v1::GangStatus Announce(const std::string& job, int64_t generation) {
  v1::GangStatus status;
  status.mutable_gang()->set_job_id(job);
  status.mutable_gang()->set_generation(generation);
  return status;
}

class FleetTest : public testing::Test {
 protected:
  FleetTest() : store_(*Store::Open(folder_.path() + "/state.db")) { Restart(); }

  // A new coordinator on the same store.
  void Restart() {
    live_ = std::make_unique<LiveGangs>(&clock_);
    fleet_ = std::make_unique<Fleet>(store_.get(), live_.get(), &clock_, FleetOptions{});
    ASSERT_TRUE(fleet_->Load().ok());
  }

  int64_t Register(const std::string& node, const std::string& instance) {
    const auto response = fleet_->Register(Agent(node, instance));
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? response->session() : -1;
  }

  // A job with one rank on node "n", given to agent `instance`.
  std::string Place(const std::string& instance) {
    JobRow job;
    job.spec = Spec("a");
    EXPECT_TRUE(store_
                    ->Write("test",
                            [&](Database& db) -> absl::Status {
                              OCELLUS_RETURN_IF_ERROR(
                                  InsertJob(db, &job, "user:test", clock_.Now()));
                              return StartGeneration(db, &job, {{0, "n", -1, instance}}, "submit",
                                                     clock_.Now());
                            })
                    .ok());
    return job.id;
  }

  GangRow Gang() {
    std::vector<GangRow> gangs;
    EXPECT_TRUE(store_
                    ->Read([&](Database& db) -> absl::Status {
                      OCELLUS_ASSIGN_OR_RETURN(gangs, ActiveGangs(db));
                      return absl::OkStatus();
                    })
                    .ok());
    return gangs.at(0);
  }

  TempFolder folder_;
  SimulatedClock clock_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<LiveGangs> live_;
  std::unique_ptr<Fleet> fleet_;
};

TEST_F(FleetTest, SessionsGrowAndTheOldOneIsStale) {
  const int64_t first = Register("n", "one");
  const auto outbox = *fleet_->Connect("n", first);
  fleet_->Disconnect("n", outbox);  // its process died: the stream broke
  const int64_t second = Register("n", "two");
  EXPECT_GT(second, first);
  EXPECT_EQ(ReasonOf(fleet_->CheckSession("n", first)), v1::ERROR_REASON_STALE_SESSION);
  EXPECT_EQ(ReasonOf(fleet_->Connect("n", first).status()), v1::ERROR_REASON_STALE_SESSION);
  EXPECT_TRUE(fleet_->CheckSession("n", second).ok());
  EXPECT_EQ(ReasonOf(fleet_->CheckSession("m", 1)), v1::ERROR_REASON_NODE_NOT_FOUND);
}

TEST_F(FleetTest, NameIsTakenWhileItsAgentIsHeard) {
  const int64_t first = Register("n", "one");
  // Registered, the stream not yet open: already taken.
  EXPECT_EQ(ReasonOf(fleet_->Register(Agent("n", "two")).status()),
            v1::ERROR_REASON_NODE_NAME_IN_USE);
  const auto outbox = *fleet_->Connect("n", first);
  clock_.Advance(absl::Seconds(9));
  EXPECT_EQ(ReasonOf(fleet_->Register(Agent("n", "two")).status()),
            v1::ERROR_REASON_NODE_NAME_IN_USE);
  // The machine is gone and its connection does not know: silence frees the name.
  clock_.Advance(absl::Seconds(1));
  EXPECT_GT(Register("n", "two"), first);
  EXPECT_TRUE(outbox->closed());
}

TEST_F(FleetTest, SameProcessKeepsItsSessionAcrossARestart) {
  const int64_t session = Register("n", "one");
  Restart();
  EXPECT_TRUE(fleet_->CheckSession("n", session).ok());
  EXPECT_EQ(Register("n", "one"), session);
}

TEST_F(FleetTest, NewProcessEndsTheRanksOfTheOld) {
  Register("n", "one");
  const std::string job = Place("one");
  Restart();
  EXPECT_FALSE(Gang().all_ended());
  Register("n", "two");
  const GangRow gang = Gang();
  ASSERT_TRUE(gang.all_ended());
  EXPECT_EQ(gang.ranks[0].end.outcome, kAgentLost);
  EXPECT_EQ(gang.ranks[0].end.failure.failure_class(), v1::FAILURE_CLASS_INFRA_PROCESS);
}

TEST_F(FleetTest, AnnouncedGangIsAdoptedOrNamedStale) {
  Register("n", "one");
  const std::string job = Place("one");
  Restart();
  v1::RegisterRequest request = Agent("n", "one");
  *request.add_gangs() = Announce(job, 1);
  *request.add_gangs() = Announce(job, 9);
  *request.add_gangs() = Announce("j-none", 1);
  const auto response = fleet_->Register(request);
  ASSERT_TRUE(response.ok());
  ASSERT_EQ(response->stale_size(), 2);
  EXPECT_EQ(response->stale(0).generation(), 9);
  EXPECT_FALSE(Gang().all_ended());
  EXPECT_TRUE(live_->Get(job, 1)->announced.contains("n"));
}

TEST_F(FleetTest, HeartbeatWithAStaleGangIsAnsweredByAKill) {
  const int64_t session = Register("n", "one");
  const auto outbox = *fleet_->Connect("n", session);
  v1::SessionRequest beat;
  beat.set_node("n");
  beat.set_session(session);
  *beat.add_gangs() = Announce("j-none", 4);
  EXPECT_EQ(fleet_->Heartbeat(beat)->size(), 1u);
  const auto order = outbox->Pop();
  EXPECT_EQ(order->kill().gang().generation(), 4);
}

TEST_F(FleetTest, LeaseRunsOutOnTheMonotonicClockAlone) {
  clock_.Advance(absl::Minutes(5));  // beyond the grace
  const int64_t session = Register("n", "one");
  const auto outbox = *fleet_->Connect("n", session);
  clock_.JumpWall(absl::Hours(24));
  EXPECT_THAT(*fleet_->ExpireLeases(), IsEmpty());
  clock_.Advance(absl::Seconds(29));
  EXPECT_THAT(*fleet_->ExpireLeases(), IsEmpty());
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(*fleet_->ExpireLeases(), ElementsAre("n"));
  EXPECT_THAT(*fleet_->ExpireLeases(), IsEmpty());  // told once
  EXPECT_TRUE(fleet_->Nodes()[0].suspect);
  EXPECT_TRUE(outbox->closed());
  EXPECT_FALSE(fleet_->Send("n", {}));
  // Being heard ends it.
  EXPECT_TRUE(fleet_->CheckSession("n", session).ok());
  EXPECT_FALSE(fleet_->Nodes()[0].suspect);
}

TEST_F(FleetTest, NobodyIsLostInTheGraceAfterAStart) {
  Register("n", "one");
  Restart();
  clock_.Advance(absl::Seconds(59));
  EXPECT_THAT(*fleet_->ExpireLeases(), IsEmpty());
  clock_.Advance(absl::Seconds(1));
  EXPECT_THAT(*fleet_->ExpireLeases(), ElementsAre("n"));
  Restart();
  // The next coordinator has to look for itself.
  EXPECT_FALSE(fleet_->Nodes()[0].suspect);
  EXPECT_FALSE(fleet_->Nodes()[0].connected);
}

TEST_F(FleetTest, FullOutboxEndsTheStream) {
  const int64_t session = Register("n", "one");
  const auto outbox = *fleet_->Connect("n", session);
  for (size_t i = 0; i < kOutboxOrdersMax; ++i) {
    ASSERT_TRUE(fleet_->Send("n", {}));
  }
  EXPECT_FALSE(fleet_->Send("n", {}));
  EXPECT_TRUE(outbox->closed());
  EXPECT_FALSE(outbox->Pop().has_value());
}

TEST_F(FleetTest, ClosedFleetTakesNoStreams) {
  const int64_t session = Register("n", "one");
  const auto outbox = *fleet_->Connect("n", session);
  fleet_->Close();
  EXPECT_TRUE(outbox->closed());
  EXPECT_TRUE(absl::IsUnavailable(fleet_->Connect("n", session).status()));
}

TEST(LiveGangsTest, MedianAndPhases) {
  SimulatedClock clock;
  LiveGangs live(&clock);
  v1::GangRef gang;
  gang.set_job_id("j-1");
  gang.set_generation(2);
  const auto report = [&](int rank, int64_t step, const std::string& phase) {
    v1::Progress progress;
    progress.set_step(step);
    progress.set_phase(phase);
    live.Progressed(gang, rank, progress);
  };
  report(0, 0, "data");
  EXPECT_EQ(live.Get("j-1", 2)->pause(), "data");
  report(0, 10, "train");
  clock.Advance(absl::Seconds(4));
  report(0, 12, "train");
  clock.Advance(absl::Seconds(30));
  report(0, 13, "train");
  clock.Advance(absl::Seconds(3));
  report(0, 14, "train");
  const LiveGang seen = *live.Get("j-1", 2);
  EXPECT_EQ(seen.median_step(), absl::Seconds(3));
  EXPECT_EQ(seen.first_step, 10);
  EXPECT_EQ(seen.step, 14);
  EXPECT_EQ(seen.pause(), "");
  report(1, 13, "eval");
  EXPECT_EQ(live.Get("j-1", 2)->pause(), "eval");
  EXPECT_FALSE(live.Get("j-1", 1).has_value());
  gang.set_generation(3);
  report(0, 1, "");
  EXPECT_EQ(live.Get("j-1", 3)->step, 1);  // a new generation starts empty
  EXPECT_FALSE(live.Get("j-1", 2).has_value());
}

}  // namespace
}  // namespace ocellus::coordinator
