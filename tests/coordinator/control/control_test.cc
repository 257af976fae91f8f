// The reconcile loop against an agent over real gRPC, with time in the test's hands.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "tests/coordinator/control/fixture.h"

namespace ocellus::coordinator {
namespace {

using testing::HasSubstr;

TEST_F(ControlTest, FromSubmitToSuccess) {
  const v1::GangRef gang = Start();
  EXPECT_EQ(gang.generation(), 1);
  EXPECT_EQ(start_.world(), 2);
  EXPECT_EQ(start_.ranks(1).node(), "n");
  EXPECT_EQ(start_.master_port(), 0);
  EXPECT_EQ(start_.prefix(), absl::StrCat("default/", job_, "/"));
  EXPECT_THAT(start_.resolved_json(), HasSubstr("mask_ratio"));
  EXPECT_EQ(start_.restore_size(), 0);
  EXPECT_EQ(State(), "starting (launching)");

  ASSERT_TRUE(agent_.Progress(gang, 0, 1).ok());
  cluster_.Step();
  EXPECT_EQ(State(), "starting (launching)");  // rank 1 has not stepped
  ASSERT_TRUE(agent_.Progress(gang, 1, 1).ok());
  cluster_.Step();
  EXPECT_EQ(State(), "running (training)");
  EXPECT_EQ(cluster_.Get(job_).progress().step(), 1);

  ASSERT_TRUE(agent_.Checkpoint(gang, 100).ok());
  ASSERT_TRUE(agent_.End(gang, 1, kSucceeded, v1::FAILURE_CLASS_UNSPECIFIED, 100).ok());
  cluster_.Step();
  EXPECT_EQ(State(), "stopping (finishing)");
  ASSERT_TRUE(agent_.End(gang, 0, kSucceeded, v1::FAILURE_CLASS_UNSPECIFIED, 100).ok());
  cluster_.Step();
  EXPECT_EQ(State(), "succeeded (completed)");
  EXPECT_EQ(agent_.OrdersWaiting(), 0);  // nobody was killed
  const v1::Job job = cluster_.Get(job_);
  EXPECT_EQ(job.last_commit().step(), 100);
  EXPECT_TRUE(job.has_end_time());
  EXPECT_FALSE(job.has_last_failure());
}

TEST_F(ControlTest, FailedRankEndsTheGangAndTheNextRestoresTheCommit) {
  const v1::GangRef gang = Start();
  Run(gang, 10);
  ASSERT_TRUE(agent_.Checkpoint(gang, 10).ok());
  Run(gang, 14);
  ASSERT_TRUE(agent_.End(gang, 1, "DIED", v1::FAILURE_CLASS_INFRA_PROCESS).ok());
  cluster_.Step();
  EXPECT_EQ(State(), "stopping (fault)");
  EXPECT_EQ(agent_.Order().kill().gang().job_id(), job_);
  ASSERT_TRUE(agent_.End(gang, 0, kKilled, v1::FAILURE_CLASS_INFRA_PROCESS).ok());
  cluster_.Step();
  EXPECT_EQ(State(), "pending (backoff)");
  const v1::Job waiting = cluster_.Get(job_);
  EXPECT_EQ(waiting.last_failure().rank(), 1);
  EXPECT_EQ(waiting.last_failure().last_lines(0), "the last line");
  EXPECT_THAT(waiting.message(), HasSubstr("goes on from step 10; 4 steps lost"));
  EXPECT_EQ(
      cluster_.Metric(metric::kJobLostSteps, {{"project", "default"}, {"cause", "infra_process"}}),
      4);

  cluster_.Pass(absl::Seconds(5));
  EXPECT_EQ(State(), "pending (backoff)");
  cluster_.clock().Advance(absl::Seconds(8));  // 10 s and 20 %
  agent_.Beat();
  const v1::GangRef next = Next();
  EXPECT_EQ(next.generation(), 2);
  ASSERT_EQ(start_.restore_size(), 1);
  EXPECT_EQ(start_.restore(0).step(), 10);
  EXPECT_THAT(start_.restore(0).uri(), HasSubstr("step-000000010/g0001-"));
}

TEST_F(ControlTest, BreakerHoldsAndResumeForgives) {
  v1::GangRef gang = Start();
  for (int generation = 1; generation <= 3; ++generation) {
    EXPECT_EQ(gang.generation(), generation);
    EndBoth(gang, "DIED", v1::FAILURE_CLASS_INFRA_PROCESS);
    if (generation < 3) {
      cluster_.clock().Advance(absl::Minutes(1));
      agent_.Beat();
      gang = Next();
    }
  }
  EXPECT_EQ(State(), "held (no_progress)");
  EXPECT_THAT(cluster_.Get(job_).message(), HasSubstr("ocellus job resume"));
  cluster_.clock().Advance(absl::Hours(1));
  agent_.Beat();
  cluster_.Step();
  EXPECT_EQ(State(), "held (no_progress)");  // never automatic

  grpc::ClientContext context;
  v1::ResumeJobRequest request;
  request.set_job(job_);
  v1::ResumeJobResponse response;
  ASSERT_TRUE(cluster_.jobs().ResumeJob(&context, request, &response).ok());
  EXPECT_EQ(Next().generation(), 4);
}

TEST_F(ControlTest, UserErrorFailsAtOnceWithItsHint) {
  const v1::GangRef gang = Start();
  EndBoth(gang, "NO_DATA", v1::FAILURE_CLASS_USER);
  EXPECT_EQ(State(), "failed (user_error)");
  EXPECT_EQ(cluster_.Get(job_).last_failure().message(), "message of NO_DATA");
}

TEST_F(ControlTest, CancelStopsByProtocolThenKills) {
  v1::JobSpec spec = Spec("a");
  spec.mutable_stop_grace()->set_seconds(20);
  const v1::GangRef gang = Start(spec);
  Run(gang, 1);
  grpc::ClientContext context;
  v1::CancelJobRequest request;
  request.set_job(job_);
  v1::CancelJobResponse response;
  ASSERT_TRUE(cluster_.jobs().CancelJob(&context, request, &response).ok());
  EXPECT_EQ(State(), "stopping (cancel)");
  cluster_.Step();
  const v1::SessionResponse stop = agent_.Order();
  EXPECT_EQ(stop.stop().cause(), v1::JOB_REASON_CANCEL);
  EXPECT_EQ(stop.stop().grace().seconds(), 20);
  EXPECT_FALSE(stop.stop().want_checkpoint());
  PassWithBeats(absl::Seconds(40), gang);
  v1::SessionResponse order = agent_.Order();
  while (order.has_stop()) {
    order = agent_.Order();
  }
  EXPECT_TRUE(order.has_kill());
  EXPECT_EQ(State(), "stopping (cancel)");  // until the ends are known
  EndBoth(gang, kKilled);
  EXPECT_EQ(State(), "cancelled (user_cancelled)");
}

TEST_F(ControlTest, HoldAsksForACheckpointAndKeepsTheJob) {
  const v1::GangRef gang = Start();
  Run(gang, 1);
  grpc::ClientContext context;
  v1::HoldJobRequest request;
  request.set_job(job_);
  v1::HoldJobResponse response;
  ASSERT_TRUE(cluster_.jobs().HoldJob(&context, request, &response).ok());
  cluster_.Step();
  EXPECT_TRUE(agent_.Order().stop().want_checkpoint());
  ASSERT_TRUE(agent_.Checkpoint(gang, 2).ok());  // a gang that stops may still commit
  EndBoth(gang, kStoppedAt, v1::FAILURE_CLASS_UNSPECIFIED, 2);
  EXPECT_EQ(State(), "held (hold)");
}

TEST_F(ControlTest, StartOrderIsRepeatedUntilItIsSeen) {
  const v1::GangRef gang = Start();
  cluster_.Step();
  EXPECT_EQ(agent_.OrdersWaiting(), 0);
  cluster_.clock().Advance(absl::Seconds(5));
  cluster_.Step();
  EXPECT_TRUE(agent_.Order().has_start());
  PassWithBeats(absl::Seconds(20), gang);
  EXPECT_EQ(agent_.OrdersWaiting(), 0);
}

TEST_F(ControlTest, StartHasADeadline) {
  const v1::GangRef gang = Start();
  PassWithBeats(absl::Minutes(10), gang);
  EXPECT_EQ(State(), "starting (launching)");
  PassWithBeats(absl::Seconds(5), gang);
  EXPECT_EQ(State(), "stopping (start_timeout)");
}

TEST_F(ControlTest, GangWithoutStepsHangs) {
  const v1::GangRef gang = Start();
  Run(gang, 1);
  PassWithBeats(absl::Seconds(60), gang);
  EXPECT_EQ(State(), "running (training)");
  PassWithBeats(absl::Seconds(5), gang);
  EXPECT_EQ(State(), "stopping (hang)");
  const v1::StopGang stacks = agent_.Order().stop();
  EXPECT_EQ(stacks.cause(), v1::JOB_REASON_HANG);
  EXPECT_EQ(stacks.grace().seconds(), 3);
  EXPECT_FALSE(stacks.want_checkpoint());
  PassWithBeats(absl::Seconds(5), gang);
  EXPECT_TRUE(agent_.Order().has_kill());
  EndBoth(gang, kKilled);
  EXPECT_EQ(State(), "pending (backoff)");
  EXPECT_EQ(cluster_.Get(job_).last_failure().failure_class(), v1::FAILURE_CLASS_HANG);
}

TEST_F(ControlTest, SlowStepsAndDeclaredPhasesAreNoHang) {
  const v1::GangRef gang = Start();
  Run(gang, 1);
  for (int64_t step = 2; step < 6; ++step) {  // 20 s a step: 200 s are allowed
    PassWithBeats(absl::Seconds(20), gang);
    Run(gang, step);
  }
  PassWithBeats(absl::Seconds(190), gang);
  EXPECT_EQ(State(), "running (training)");
  ASSERT_TRUE(agent_.Progress(gang, 0, 5, "eval").ok());
  PassWithBeats(absl::Minutes(29), gang);
  EXPECT_EQ(State(), "running (training)");
}

TEST_F(ControlTest, NothingSoundToRestoreIsHeld) {
  const v1::GangRef gang = Start();
  Run(gang, 10);
  ASSERT_TRUE(agent_.Checkpoint(gang, 10).ok());
  EndBoth(gang, "DIED", v1::FAILURE_CLASS_INFRA_PROCESS);
  cluster_.clock().Advance(absl::Minutes(1));
  agent_.Beat();
  const v1::GangRef second = Next();
  ASSERT_TRUE(agent_.Damage(second, start_.restore(0).uri()).ok());
  EndBoth(second, kNoCheckpointLeft, v1::FAILURE_CLASS_STORAGE);
  EXPECT_EQ(State(), "held (no_checkpoint_left)");

  grpc::ClientContext context;  // and a resume does not start from step 0 behind one's back
  v1::ResumeJobRequest request;
  request.set_job(job_);
  v1::ResumeJobResponse response;
  ASSERT_TRUE(cluster_.jobs().ResumeJob(&context, request, &response).ok());
  cluster_.Step();
  EXPECT_EQ(State(), "held (no_checkpoint_left)");
}

TEST_F(ControlTest, PendingJobSaysWhy) {
  Start();
  const std::string second = cluster_.Submit(Spec("b", 2));
  const std::string third = cluster_.Submit(Spec("c", 8));
  cluster_.Step();
  EXPECT_EQ(cluster_.State(second), "pending (waiting_for_slots)");
  EXPECT_THAT(cluster_.Get(second).message(), HasSubstr(job_));
  EXPECT_EQ(cluster_.State(third), "pending (exceeds_cluster_ever)");
  const size_t events = cluster_.Events(second).size();
  cluster_.Step();
  cluster_.Step();
  EXPECT_EQ(cluster_.Events(second).size(), events);  // no news, no rows
}

}  // namespace
}  // namespace ocellus::coordinator
