#include "worker/trainer/control.h"

#include <gtest/gtest.h>

#include <thread>

namespace ocellus::trainer {
namespace {

TEST(Control, TheFirstStopCounts) {
  Control control;
  EXPECT_FALSE(control.stop());
  control.EnterStep(7);
  EXPECT_EQ(control.RequestStop({"CANCEL", 10, false}), 7);
  control.RequestStop({"DRAIN", 20, true});
  EXPECT_EQ(control.stop()->cause, "CANCEL");
}

TEST(Control, MailIsTakenInOrder) {
  Control control;
  control.Deliver(wire::CheckpointGrant{1, "a", "p/"});
  control.Deliver(wire::CheckpointGrant{2, "b", "p/"});
  EXPECT_EQ(control.TakeGrant()->upload_id, "a");
  EXPECT_EQ(control.TakeGrant()->upload_id, "b");
  EXPECT_FALSE(control.TakeGrant());
  EXPECT_FALSE(control.TakeResult());
}

TEST(Control, MailWakesTheWaitingLoop) {
  Control control;
  std::thread agent([&] { control.Deliver(wire::CheckpointResult{5, true, "", {}}); });
  control.WaitForMail(std::chrono::seconds(30));
  agent.join();
  EXPECT_EQ(control.TakeResult()->step, 5);
}

}  // namespace
}  // namespace ocellus::trainer
