// What is lost and what is kept when nodes, agents and the coordinator go away.
#include <gtest/gtest.h>

#include <algorithm>

#include "coordinator/base/error.h"
#include "tests/coordinator/control/fixture.h"

namespace ocellus::coordinator {
namespace {

TEST_F(ControlTest, SilentNodeIsNoHangButItsLeaseRunsOut) {
  const v1::GangRef gang = Start();
  Run(gang, 1);
  cluster_.Pass(absl::Seconds(25));
  EXPECT_EQ(State(), "running (training)");
  cluster_.Pass(absl::Seconds(10));
  // The rank counts as fenced, so the job waits for another place at once.
  cluster_.Step();
  EXPECT_EQ(State(), "pending (backoff)");
  EXPECT_EQ(cluster_.Get(job_).last_failure().failure_class(), v1::FAILURE_CLASS_INFRA_NODE);
  cluster_.Pass(absl::Minutes(1));
  EXPECT_EQ(State(), "pending (no_nodes)");  // the lost node's slots are not handed out
  // It was only away: what it says about that gang is stale, and it is told so.
  EXPECT_EQ(ReasonOf(agent_.Progress(gang, 0, 50)), v1::ERROR_REASON_STALE_GENERATION);
  ASSERT_TRUE(agent_.Register({Status(gang)}).ok());
  ASSERT_EQ(agent_.registration().stale_size(), 1);
  agent_.Connect();
  EXPECT_EQ(Next().generation(), 2);
}

TEST_F(ControlTest, GangThatSteppedSinceIsKeptThoughANodeIsLost) {
  // Two nodes; one goes silent, but the other reports newer steps, which need every rank.
  FakeAgent other(&cluster_, "m");
  ASSERT_TRUE(other.Register().ok());
  other.Connect();
  job_ = cluster_.Submit(Spec("wide", 4));
  cluster_.Step();
  const v1::GangRef gang = agent_.Order().start().gang();
  EXPECT_EQ(other.Order().start().ranks_size(), 4);
  for (int rank = 0; rank < 4; ++rank) {
    FakeAgent& owner = rank < 2 ? other : agent_;  // by node name: "m" before "n"
    ASSERT_TRUE(owner.Progress(gang, rank, 1).ok());
  }
  cluster_.Step();
  EXPECT_EQ(State(), "running (training)");
  for (int64_t step = 2; step < 12; ++step) {
    cluster_.Pass(absl::Seconds(5));
    ASSERT_TRUE(other.Progress(gang, 0, step).ok());
    other.Beat({Status(gang)});
  }
  cluster_.Step();
  EXPECT_EQ(State(), "running (training)");  // "n" was silent for 50 s
  EXPECT_TRUE(agent_.Progress(gang, 2, 12).ok());
}

TEST_F(ControlTest, RestartedAgentEndsTheGangAtOnce) {
  const v1::GangRef gang = Start();
  Run(gang, 3);
  agent_.Disconnect();
  FakeAgent reborn(&cluster_, "n");
  absl::Status status;
  do {  // until the coordinator has seen the old stream end
    status = reborn.Register();
  } while (ReasonOf(status) == v1::ERROR_REASON_NODE_NAME_IN_USE);
  ASSERT_TRUE(status.ok()) << status;
  reborn.Connect();
  cluster_.Step();
  cluster_.Step();
  EXPECT_EQ(State(), "pending (backoff)");
  EXPECT_EQ(cluster_.Get(job_).last_failure().failure_class(), v1::FAILURE_CLASS_INFRA_PROCESS);
  EXPECT_EQ(ReasonOf(agent_.Progress(gang, 0, 9)), v1::ERROR_REASON_STALE_SESSION);
  EXPECT_EQ(cluster_.Metric(metric::kStaleRejections, {{"rpc", "ReportEvents"}}), 1);
}

TEST_F(ControlTest, RestartedCoordinatorAdoptsARunningGang) {
  const v1::GangRef gang = Start();
  Run(gang, 3);
  agent_.Disconnect();
  cluster_.Restart();
  cluster_.Step();
  EXPECT_EQ(State(), "running (training)");
  cluster_.Pass(absl::Seconds(50));  // nobody is heard, and nobody is lost: the grace
  EXPECT_EQ(State(), "running (training)");
  const int64_t session = agent_.session();
  ASSERT_TRUE(agent_.Register({Status(gang)}).ok());
  EXPECT_EQ(agent_.session(), session);
  EXPECT_EQ(agent_.registration().stale_size(), 0);
  agent_.Connect({Status(gang)});
  cluster_.Step();
  EXPECT_EQ(agent_.OrdersWaiting(), 0);
  Run(gang, 4);
  EXPECT_EQ(State(), "running (training)");
  EXPECT_EQ(cluster_.Get(job_).generation(), 1);
  const auto events = cluster_.Events(job_);
  EXPECT_TRUE(std::any_of(events.begin(), events.end(), [](const v1::JobEvent& event) {
    return event.type() == v1::JOB_EVENT_TYPE_GANG_ADOPTED;
  }));
}

TEST_F(ControlTest, RestartedCoordinatorGoesOnWithAStop) {
  const v1::GangRef gang = Start();
  Run(gang, 3);
  grpc::ClientContext context;
  v1::CancelJobRequest request;
  request.set_job(job_);
  v1::CancelJobResponse response;
  ASSERT_TRUE(cluster_.jobs().CancelJob(&context, request, &response).ok());
  agent_.Disconnect();
  cluster_.Restart();
  ASSERT_TRUE(agent_.Register({Status(gang)}).ok());
  agent_.Connect({Status(gang)});
  cluster_.Step();
  EXPECT_EQ(agent_.Order().stop().cause(), v1::JOB_REASON_CANCEL);
}

TEST_F(ControlTest, CancelBeforeTheAgentHasTheGang) {
  const v1::GangRef gang = Start();  // the agent loses this order
  grpc::ClientContext context;
  v1::CancelJobRequest request;
  request.set_job(job_);
  v1::CancelJobResponse response;
  ASSERT_TRUE(cluster_.jobs().CancelJob(&context, request, &response).ok());
  for (absl::Duration passed; passed < absl::Minutes(4); passed += kHeartbeatInterval) {
    cluster_.clock().Advance(kHeartbeatInterval);
    agent_.Beat();  // it has no gangs
    cluster_.Step();
  }
  EXPECT_EQ(State(), "cancelled (user_cancelled)");
}

}  // namespace
}  // namespace ocellus::coordinator
