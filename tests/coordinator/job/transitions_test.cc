#include "coordinator/job/transitions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <utility>

#include "coordinator/base/error.h"

namespace ocellus::coordinator {
namespace {

constexpr v1::JobReason kAny = v1::JOB_REASON_TRAINING;

// The table of the states' documentation, once more and by hand.
const std::set<std::pair<v1::JobState, v1::JobState>>& Allowed() {
  static const auto* const allowed = new std::set<std::pair<v1::JobState, v1::JobState>>{
      {v1::JOB_STATE_UNSPECIFIED, v1::JOB_STATE_PENDING},
      {v1::JOB_STATE_PENDING, v1::JOB_STATE_PENDING},
      {v1::JOB_STATE_PENDING, v1::JOB_STATE_STARTING},
      {v1::JOB_STATE_PENDING, v1::JOB_STATE_HELD},
      {v1::JOB_STATE_PENDING, v1::JOB_STATE_CANCELLED},
      {v1::JOB_STATE_STARTING, v1::JOB_STATE_RUNNING},
      {v1::JOB_STATE_STARTING, v1::JOB_STATE_STOPPING},
      {v1::JOB_STATE_RUNNING, v1::JOB_STATE_STOPPING},
      {v1::JOB_STATE_STOPPING, v1::JOB_STATE_PENDING},
      {v1::JOB_STATE_STOPPING, v1::JOB_STATE_HELD},
      {v1::JOB_STATE_STOPPING, v1::JOB_STATE_SUCCEEDED},
      {v1::JOB_STATE_STOPPING, v1::JOB_STATE_FAILED},
      {v1::JOB_STATE_STOPPING, v1::JOB_STATE_CANCELLED},
      {v1::JOB_STATE_HELD, v1::JOB_STATE_PENDING},
      {v1::JOB_STATE_HELD, v1::JOB_STATE_CANCELLED},
  };
  return *allowed;
}

TEST(TransitionsTest, EveryPair) {
  for (int from = 0; from <= v1::JobState_MAX; ++from) {
    for (int to = 0; to <= v1::JobState_MAX; ++to) {
      const auto a = static_cast<v1::JobState>(from);
      const auto b = static_cast<v1::JobState>(to);
      if (a == v1::JOB_STATE_STOPPING && b == v1::JOB_STATE_STOPPING) {
        continue;  // by cause, below
      }
      EXPECT_EQ(CheckTransition(a, kAny, b, kAny).ok(), Allowed().contains({a, b}))
          << ShortName(a) << " -> " << ShortName(b);
    }
  }
}

bool Overtakes(v1::JobReason old_cause, v1::JobReason new_cause) {
  return CheckTransition(v1::JOB_STATE_STOPPING, old_cause, v1::JOB_STATE_STOPPING, new_cause).ok();
}

TEST(TransitionsTest, CancelOvertakesAnyAndNothingOvertakesCancel) {
  for (v1::JobReason cause :
       {v1::JOB_REASON_FAULT, v1::JOB_REASON_HANG, v1::JOB_REASON_LEASE_LOST,
        v1::JOB_REASON_START_TIMEOUT, v1::JOB_REASON_HOLD, v1::JOB_REASON_FINISHING}) {
    EXPECT_TRUE(Overtakes(cause, v1::JOB_REASON_CANCEL)) << ShortName(cause);
    EXPECT_FALSE(Overtakes(v1::JOB_REASON_CANCEL, cause)) << ShortName(cause);
  }
  EXPECT_TRUE(Overtakes(v1::JOB_REASON_FINISHING, v1::JOB_REASON_FAULT));
  EXPECT_FALSE(Overtakes(v1::JOB_REASON_FAULT, v1::JOB_REASON_HOLD));
}

TEST(TransitionsTest, RefusalSaysWhatIsPossible) {
  const absl::Status ended = CheckTransition(v1::JOB_STATE_FAILED, v1::JOB_REASON_USER_ERROR,
                                             v1::JOB_STATE_PENDING, v1::JOB_REASON_NEXT_CYCLE);
  EXPECT_EQ(ReasonOf(ended), v1::ERROR_REASON_WRONG_STATE);
  EXPECT_THAT(std::string(ended.message()), testing::HasSubstr("submit it again"));
}

}  // namespace
}  // namespace ocellus::coordinator
