#include "coordinator/state/checkpoint_care.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "coordinator/base/error.h"
#include "coordinator/base/simulated_clock.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/state/events.h"
#include "coordinator/state/gangs.h"
#include "coordinator/state/store.h"
#include "tests/coordinator/support/fixtures.h"

namespace ocellus::coordinator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class CareTest : public testing::Test {
 protected:
  CareTest() : store_(*Store::Open(folder_.path() + "/state.db")) {
    job_.spec = Spec("a");
    job_.resolved_json = "{}";
    Do([&](Database& db) { return InsertJob(db, &job_, "user:test", clock_.Now()); });
    Do([&](Database& db) {
      return StartGeneration(db, &job_, {{0, "n", -1, "i"}}, "test", clock_.Now());
    });
    policy_.set_keep(1);
  }

  template <typename Body>
  absl::Status Try(const Body& body) {
    return store_->Write("test", body);
  }
  template <typename Body>
  void Do(const Body& body) {
    const absl::Status status = Try(body);
    ASSERT_TRUE(status.ok()) << status;
  }

  void Commit(int64_t step, std::optional<double> metric = std::nullopt) {
    CheckpointRow row;
    row.job_id = job_.id;
    row.upload_id = "u" + std::to_string(step);
    row.step = step;
    row.generation = 1;
    row.prefix = "p/" + std::to_string(step) + "/";
    row.state = v1::CHECKPOINT_STATE_COMMITTED;
    row.committed = clock_.Now();
    row.metric = metric;
    Do([&](Database& db) { return InsertCheckpoint(db, row); });
  }
  CheckpointRow Row(int64_t step) {
    std::optional<CheckpointRow> row;
    Do([&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(row, FindUpload(db, job_.id, "u" + std::to_string(step)));
      return absl::OkStatus();
    });
    return *row;
  }
  absl::Status Pin(int64_t step, bool pinned = true) {
    CheckpointRow row = Row(step);
    return Try([&](Database& db) { return SetPinned(db, pinned, "user:x", clock_.Now(), &row); });
  }
  absl::Status TryRemove(int64_t step, bool force = false) {
    CheckpointRow row = Row(step);
    return Try([&](Database& db) { return Remove(db, force, "user:x", clock_.Now(), &row); });
  }
  std::vector<int64_t> Expire() {
    std::vector<int64_t> steps;
    Do([&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(const auto rows,
                               ExpireCheckpoints(db, job_.id, policy_, clock_.Now()));
      for (const CheckpointRow& row : rows) steps.push_back(row.step);
      return absl::OkStatus();
    });
    return steps;
  }
  void BadRestart(int64_t step) {
    Do([&](Database& db) {
      return CountBadRestart(db, job_.id, "p/" + std::to_string(step) + "/", clock_.Now());
    });
  }
  // Messages of events of that type.
  std::vector<std::string> Told(v1::JobEventType type) {
    std::vector<std::string> messages;
    Do([&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(const auto events, ListEvents(db, job_.id, 0, 1000));
      for (const v1::JobEvent& event : events) {
        if (event.type() == type) messages.push_back(event.message());
      }
      return absl::OkStatus();
    });
    return messages;
  }

  TempFolder folder_;
  SimulatedClock clock_;
  std::unique_ptr<Store> store_;
  JobRow job_;
  v1::CheckpointPolicy policy_;
};

TEST_F(CareTest, PinnedAndBestOutliveRetention) {
  policy_.set_keep_best(1);
  policy_.set_best_metric("loss");
  Commit(100, 0.5);
  Commit(200, 0.7);
  Commit(300);
  Commit(400, 0.9);
  ASSERT_TRUE(Pin(200).ok());
  EXPECT_THAT(Expire(), ElementsAre(300));
  ASSERT_TRUE(Pin(200, false).ok());
  EXPECT_THAT(Expire(), ElementsAre(200));
  policy_.set_best_metric("knn_accuracy");
  EXPECT_THAT(Expire(), ElementsAre(100));
  EXPECT_THAT(Told(v1::JOB_EVENT_TYPE_CHECKPOINT_PINNED), ElementsAre("step 200"));
  EXPECT_THAT(Told(v1::JOB_EVENT_TYPE_CHECKPOINT_UNPINNED), ElementsAre("step 200"));
}

TEST_F(CareTest, PinningTwiceIsOneEvent) {
  Commit(100);
  ASSERT_TRUE(Pin(100).ok());
  ASSERT_TRUE(Pin(100).ok());
  EXPECT_EQ(Told(v1::JOB_EVENT_TYPE_CHECKPOINT_PINNED).size(), 1u);
}

TEST_F(CareTest, RemovingAsksForForceWhereItHurts) {
  Commit(100);
  Commit(200);
  Commit(300);
  ASSERT_TRUE(Pin(200).ok());
  EXPECT_TRUE(TryRemove(100).ok());
  const absl::Status pinned = TryRemove(200), newest = TryRemove(300);
  EXPECT_EQ(ReasonOf(pinned), v1::ERROR_REASON_WRONG_STATE);
  EXPECT_THAT(std::string(pinned.message()), HasSubstr("is pinned"));
  EXPECT_EQ(ReasonOf(newest), v1::ERROR_REASON_WRONG_STATE);
  EXPECT_THAT(std::string(newest.message()), HasSubstr("--force"));
  EXPECT_TRUE(TryRemove(300, /*force=*/true).ok());
  EXPECT_EQ(ReasonOf(TryRemove(300, true)), v1::ERROR_REASON_CHECKPOINT_NOT_FOUND);
  EXPECT_THAT(std::string(TryRemove(200).message()), HasSubstr("is pinned"));
  EXPECT_THAT(Told(v1::JOB_EVENT_TYPE_CHECKPOINT_DELETED),
              ElementsAre("step 100", "step 300, by force"));
}

TEST_F(CareTest, ACopyIsOnRecord) {
  Commit(100);
  const CheckpointRow row = Row(100);
  Do([&](Database& db) { return RecordCopy(db, row, "s3://keep/it", "user:x", clock_.Now()); });
  EXPECT_THAT(Told(v1::JOB_EVENT_TYPE_CHECKPOINT_COPIED), ElementsAre("step 100 to s3://keep/it"));
}

TEST_F(CareTest, TheSecondBadRestartStepsOneBack) {
  Commit(100);
  Commit(200);
  BadRestart(200);
  EXPECT_EQ(Row(200).state, v1::CHECKPOINT_STATE_COMMITTED);
  BadRestart(200);
  EXPECT_EQ(Row(200).state, v1::CHECKPOINT_STATE_SUSPECT);
  EXPECT_THAT(Told(v1::JOB_EVENT_TYPE_CHECKPOINT_SUSPECT),
              ElementsAre(HasSubstr("goes on from step 100")));
  // The last one is all there is: the breaker holds the job.
  BadRestart(100);
  BadRestart(100);
  EXPECT_EQ(Row(100).state, v1::CHECKPOINT_STATE_COMMITTED);
  BadRestart(7);  // of nothing known
}

TEST_F(CareTest, TheOriginOfAGangIsKept) {
  Do([&](Database& db) { return RecordRestore(db, job_.id, 1, 40, kFromMemory); });
  Do([&](Database& db) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(const Origin origin, OriginOf(db, job_.id, 1));
    EXPECT_EQ(origin.step, 40);
    EXPECT_EQ(origin.uri, kFromMemory);
    return absl::OkStatus();
  });
}

TEST_F(CareTest, FaultsAreExpectedAsTheyCame) {
  const auto interval = [&](int nodes) {
    double seconds = 0;
    Do([&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(seconds, FaultInterval(db, job_.id, nodes, clock_.Now()));
      return absl::OkStatus();
    });
    return seconds;
  };
  EXPECT_DOUBLE_EQ(interval(1), 250.0 * 86400);
  EXPECT_DOUBLE_EQ(interval(64), 250.0 * 86400 / 64);
  Do([&](Database& db) {
    return EndGeneration(db, job_.id, 1, {"pending", v1::FAILURE_CLASS_INFRA_PROCESS, 0, 0},
                         clock_.Now());
  });
  EXPECT_DOUBLE_EQ(interval(1), 125.0 * 86400);
}

TEST(MetricOfTest, ReadsNumbersAlone) {
  EXPECT_EQ(MetricOf(R"({"metrics": {"loss": 0.25, "x": "y"}})", "loss"), 0.25);
  for (const char* text : {"", "[]", "{}", R"({"metrics": 3})", R"({"metrics": {"loss": "1"}})"}) {
    EXPECT_FALSE(MetricOf(text, "loss").has_value()) << text;
  }
}

}  // namespace
}  // namespace ocellus::coordinator
