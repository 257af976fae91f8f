#include "coordinator/state/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/job/spec_check.h"
#include "coordinator/state/events.h"
#include "coordinator/state/gangs.h"
#include "coordinator/state/jobs.h"
#include "coordinator/state/nodes.h"
#include "tests/coordinator/support/fixtures.h"

namespace ocellus::coordinator {
namespace {

using testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

JobRow NewJob(const std::string& name) {
  JobRow job;
  job.spec = Spec(name);
  job.spec.set_project("default");
  job.resolved_json = "{}";
  return job;
}

absl::Status Insert(Store& store, JobRow* job) {
  return store.Write("test", [&](Database& db) { return InsertJob(db, job, "user:test", kNow); });
}

absl::StatusOr<JobRow> Read(Store& store, const std::string& id) {
  absl::StatusOr<JobRow> job = absl::UnknownError("");
  store
      .Read([&](Database& db) {
        job = FindJob(db, id, std::nullopt);
        return absl::OkStatus();
      })
      .IgnoreError();
  return job;
}

class StoreTest : public testing::Test {
 protected:
  StoreTest() { Open(); }
  void Open() {
    store_.reset();
    auto opened = Store::Open(folder_.path() + "/state.db");
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  TempFolder folder_;
  std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, JobSurvivesReopening) {
  JobRow job = NewJob("a");
  (*job.spec.mutable_labels())["team"] = "vision";
  ASSERT_TRUE(Insert(*store_, &job).ok());
  Open();
  const auto read = Read(*store_, job.id);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->spec.SerializeAsString(), job.spec.SerializeAsString());
  EXPECT_EQ(read->state, v1::JOB_STATE_PENDING);
  EXPECT_EQ(read->created, kNow);
  EXPECT_EQ(read->etag(), "v1");
  EXPECT_EQ(read->prefix(), absl::StrCat("default/", job.id, "/"));
}

TEST_F(StoreTest, NameMeansTheNewestJobOfThatName) {
  JobRow first = NewJob("same"), second = NewJob("same");
  ASSERT_TRUE(Insert(*store_, &first).ok());
  ASSERT_TRUE(Insert(*store_, &second).ok());
  EXPECT_EQ(Read(*store_, "same")->id, second.id);
  EXPECT_EQ(Read(*store_, first.id)->id, first.id);
  EXPECT_EQ(ReasonOf(Read(*store_, "nobody").status()), v1::ERROR_REASON_JOB_NOT_FOUND);
}

TEST_F(StoreTest, FailedBodyChangesNothing) {
  JobRow job = NewJob("a");
  const absl::Status status = store_->Write("test", [&](Database& db) -> absl::Status {
    OCELLUS_RETURN_IF_ERROR(InsertJob(db, &job, "user:test", kNow));
    return absl::InternalError("afterwards");
  });
  EXPECT_EQ(status.message(), "afterwards");
  EXPECT_FALSE(Read(*store_, job.id).ok());
  ASSERT_TRUE(Insert(*store_, &job).ok());  // and the next one works
}

TEST_F(StoreTest, ChangeAndItsEventAreOne) {
  JobRow job = NewJob("a");
  ASSERT_TRUE(Insert(*store_, &job).ok());
  JobRow stale = job;
  const StateChange hold{v1::JOB_STATE_HELD, v1::JOB_REASON_HOLD, "held", "user:test"};
  ASSERT_TRUE(store_
                  ->Write("test",
                          [&](Database& db) {
                            return ChangeState(db, &job, hold, kNow + absl::Seconds(1));
                          })
                  .ok());
  EXPECT_EQ(job.version, 2);

  std::vector<v1::JobEvent> events;
  ASSERT_TRUE(store_
                  ->Read([&](Database& db) -> absl::Status {
                    OCELLUS_ASSIGN_OR_RETURN(events, ListEvents(db, job.id, 0, 10));
                    return absl::OkStatus();
                  })
                  .ok());
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].type(), v1::JOB_EVENT_TYPE_SUBMITTED);
  EXPECT_EQ(events[1].from_state(), v1::JOB_STATE_PENDING);
  EXPECT_EQ(events[1].to_state(), v1::JOB_STATE_HELD);
  EXPECT_EQ(events[1].actor(), "user:test");
  EXPECT_GT(events[1].seq(), events[0].seq());

  // Whoever has read the row before the change cannot write over it.
  const absl::Status lost =
      store_->Write("test", [&](Database& db) { return ChangeState(db, &stale, hold, kNow); });
  EXPECT_EQ(ReasonOf(lost), v1::ERROR_REASON_ETAG_MISMATCH);
}

TEST_F(StoreTest, AcknowledgedJobSurvivesSigkill) {
  int ids[2];
  ASSERT_EQ(pipe(ids), 0);
  const std::string path = folder_.path() + "/killed.db";
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto store = *Store::Open(path);
    for (;;) {
      JobRow job = NewJob("a");
      if (!Insert(*store, &job).ok() || write(ids[1], job.id.data(), 14) != 14) {
        _exit(1);
      }
    }
  }
  close(ids[1]);
  std::vector<std::string> acknowledged;
  std::string id(14, ' ');
  while (acknowledged.size() < 50 && read(ids[0], id.data(), 14) == 14) {
    acknowledged.push_back(id);
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(ids[0]);
  auto store = Store::Open(path);
  ASSERT_TRUE(store.ok()) << store.status();
  ASSERT_EQ(acknowledged.size(), 50u);
  for (const std::string& job : acknowledged) {
    EXPECT_TRUE(Read(**store, job).ok()) << job;
  }
}

TEST_F(StoreTest, FullDiskRefusesAndRecovers) {
  JobRow kept = NewJob("kept");
  ASSERT_TRUE(Insert(*store_, &kept).ok());
  // SQLite then answers exactly as on a full disk.
  ASSERT_TRUE(store_
                  ->Write("test",
                          [](Database& db) {
                            return db.Script(
                                "PRAGMA max_page_count=1");  // it cannot go below the present size
                          })
                  .ok());
  absl::Status status;
  int inserted = 0;
  while (status.ok() && inserted < 10'000) {
    JobRow job = NewJob(absl::StrCat("job-", inserted));
    job.resolved_json = std::string(10'000, 'x');
    status = Insert(*store_, &job);
    inserted += status.ok() ? 1 : 0;
  }
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_THAT(std::string(status.message()), HasSubstr("Free space"));
  EXPECT_TRUE(Read(*store_, kept.id).ok());  // it still serves
  EXPECT_FALSE(Read(*store_, absl::StrCat("job-", inserted)).ok());

  ASSERT_TRUE(
      store_->Write("test", [](Database& db) { return db.Script("PRAGMA max_page_count=1000000"); })
          .ok());
  JobRow after = NewJob("after");
  EXPECT_TRUE(Insert(*store_, &after).ok());
}

TEST_F(StoreTest, ReaderSeesNoHalfWrite) {
  ASSERT_TRUE(store_
                  ->Read([&](Database& reader) -> absl::Status {
                    OCELLUS_ASSIGN_OR_RETURN(const auto before, ListJobs(reader, {}));
                    JobRow job = NewJob("a");
                    OCELLUS_RETURN_IF_ERROR(
                        Insert(*store_, &job));  // does not wait for this reader
                    OCELLUS_ASSIGN_OR_RETURN(const auto during, ListJobs(reader, {}));
                    EXPECT_EQ(during.size(), before.size());
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_TRUE(Read(*store_, "a").ok());
}

TEST_F(StoreTest, RequestsAreRememberedFor30Days) {
  const auto find = [&]() {
    std::optional<std::pair<std::string, std::string>> found;
    EXPECT_TRUE(store_
                    ->Read([&](Database& db) -> absl::Status {
                      OCELLUS_ASSIGN_OR_RETURN(found, FindRequest(db, "default", "local", "r"));
                      return absl::OkStatus();
                    })
                    .ok());
    return found;
  };
  const auto forget = [&](absl::Time now) {
    EXPECT_TRUE(store_->Write("test", [&](Database& db) { return ForgetRequests(db, now); }).ok());
  };
  ASSERT_TRUE(store_
                  ->Write("test",
                          [&](Database& db) {
                            return RememberRequest(db, "default", "local", "r", "hash", "j-1",
                                                   kNow);
                          })
                  .ok());
  forget(kNow + absl::Hours(24 * 29));
  ASSERT_TRUE(find().has_value());
  EXPECT_EQ(find()->first, "j-1");
  EXPECT_EQ(find()->second, "hash");
  forget(kNow + absl::Hours(24 * 31));
  EXPECT_FALSE(find().has_value());
}

TEST_F(StoreTest, GenerationsFence) {
  JobRow job = NewJob("a");
  ASSERT_TRUE(Insert(*store_, &job).ok());
  ASSERT_TRUE(store_
                  ->Write("test",
                          [&](Database& db) {
                            return StartGeneration(db, &job, {{0, "n", -1, "i"}, {1, "n", -1, "i"}},
                                                   "submit", kNow);
                          })
                  .ok());
  ASSERT_TRUE(
      store_
          ->Write(
              "test",
              [&](Database& db) -> absl::Status {
                EXPECT_TRUE(CheckCurrentOn(db, job.id, 1, "n").ok());
                EXPECT_EQ(ReasonOf(CheckCurrentOn(db, job.id, 1, "other")),
                          v1::ERROR_REASON_STALE_GENERATION);
                EXPECT_EQ(ReasonOf(CheckCurrent(db, job.id, 0)), v1::ERROR_REASON_STALE_GENERATION);
                EXPECT_EQ(ReasonOf(CheckCurrent(db, job.id, 2)), v1::ERROR_REASON_STALE_GENERATION);
                EXPECT_EQ(ReasonOf(CheckCurrent(db, "j-none", 1)),
                          v1::ERROR_REASON_STALE_GENERATION);
                EXPECT_EQ(MetadataOf(CheckCurrent(db, job.id, 2)).at("current"), "1");

                RankEnd first, second;
                first.outcome = "DIED";
                second.outcome = "SUCCEEDED";
                OCELLUS_RETURN_IF_ERROR(RecordRankEnd(db, job.id, 1, 1, first, kNow));
                OCELLUS_RETURN_IF_ERROR(RecordRankEnd(db, job.id, 1, 1, second, kNow));
                OCELLUS_ASSIGN_OR_RETURN(const auto gangs, ActiveGangs(db));
                EXPECT_EQ(gangs.size(), 1u);
                EXPECT_EQ(gangs[0].ranks[1].end.outcome, "DIED");  // the first end counts
                EXPECT_FALSE(gangs[0].all_ended());
                OCELLUS_ASSIGN_OR_RETURN(const auto occupied, OccupiedSlots(db));
                EXPECT_EQ(occupied.at("n").size(), 1u);
                return absl::OkStatus();
              })
          .ok());
}

TEST_F(StoreTest, NodesKeepTheirEpoch) {
  NodeRow node;
  node.name = "n";
  node.epoch = 7;
  node.inventory.set_cpu_slots(4);
  ASSERT_TRUE(store_->Write("test", [&](Database& db) { return WriteNode(db, node); }).ok());
  Open();
  ASSERT_TRUE(store_
                  ->Read([&](Database& db) -> absl::Status {
                    OCELLUS_ASSIGN_OR_RETURN(const auto nodes, ReadNodes(db));
                    EXPECT_EQ(nodes.at(0).epoch, 7);
                    EXPECT_EQ(nodes.at(0).inventory.cpu_slots(), 4);
                    return absl::OkStatus();
                  })
                  .ok());
}

}  // namespace
}  // namespace ocellus::coordinator
