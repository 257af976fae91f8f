// A coordinator and one agent with two slots, past the grace after a start.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/coordinator/support/cluster.h"

namespace ocellus::coordinator {

class ControlTest : public testing::Test {
 protected:
  ControlTest() : agent_(&cluster_, "n") {
    cluster_.clock().Advance(absl::Minutes(5));  // beyond the grace after a start
    EXPECT_TRUE(agent_.Register().ok());
    agent_.Connect();
  }

  // Submits and places a job; its gang.
  v1::GangRef Start(const v1::JobSpec& spec = Spec("a")) {
    job_ = cluster_.Submit(spec);
    return Next();
  }

  // The gang that the next pass starts.
  v1::GangRef Next() {
    cluster_.Step();
    const v1::SessionResponse order = agent_.Order();
    EXPECT_TRUE(order.has_start()) << order.ShortDebugString();
    start_ = order.start();
    return start_.gang();
  }

  void Run(const v1::GangRef& gang, int64_t step) {
    for (int rank = 0; rank < 2; ++rank) {
      const absl::Status status = agent_.Progress(gang, rank, step);
      EXPECT_TRUE(status.ok()) << status;
    }
    cluster_.Step();
  }

  void EndBoth(const v1::GangRef& gang, const std::string& outcome,
               v1::FailureClass failure_class = v1::FAILURE_CLASS_UNSPECIFIED, int64_t step = 0) {
    for (int rank = 0; rank < 2; ++rank) {
      const absl::Status status = agent_.End(gang, rank, outcome, failure_class, step);
      EXPECT_TRUE(status.ok()) << status;
    }
    cluster_.Step();  // stopping
    cluster_.Step();  // judged
  }

  // Time passes while the agent sends heartbeats with its gang.
  void PassWithBeats(absl::Duration time, const v1::GangRef& gang) {
    for (absl::Duration passed; passed < time; passed += kHeartbeatInterval) {
      cluster_.clock().Advance(kHeartbeatInterval);
      agent_.Beat({Status(gang)});
      cluster_.Step();
    }
  }

  std::string State() { return cluster_.State(job_); }

  Cluster cluster_;
  FakeAgent agent_;
  std::string job_;
  v1::StartGang start_;
};

}  // namespace ocellus::coordinator
