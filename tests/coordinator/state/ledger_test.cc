#include "coordinator/state/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "coordinator/base/simulated_clock.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/state/gangs.h"
#include "tests/coordinator/support/fixtures.h"
#include "worker/store/sha256.h"

namespace ocellus::coordinator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kBytes[] = "weights";

class LedgerTest : public testing::Test {
 protected:
  LedgerTest()
      : store_(*Store::Open(folder_.path() + "/state.db")),
        objects_(*Objects::Open("file://" + folder_.path() + "/store")),
        ledger_(store_.get(), objects_.get(), &clock_) {
    job_.spec = Spec("a");
    job_.spec.set_project("default");
    job_.spec.mutable_checkpoint()->set_keep(2);
    job_.resolved_json = "{}";
    Do([&](Database& db) { return InsertJob(db, &job_, "user:test", clock_.Now()); });
    StartGeneration();
  }

  template <typename Body>
  void Do(const Body& body) {
    const absl::Status status = store_->Write("test", body);
    ASSERT_TRUE(status.ok()) << status;
  }

  void StartGeneration() {
    Do([&](Database& db) {
      return coordinator::StartGeneration(db, &job_, {{0, "n", -1, "i"}}, "test", clock_.Now());
    });
  }

  // The gang ends and the next one starts.
  void NextGeneration() {
    for (v1::JobState state : {v1::JOB_STATE_STOPPING, v1::JOB_STATE_PENDING}) {
      Do([&](Database& db) {
        return ChangeState(db, &job_, {state, v1::JOB_REASON_FAULT, "", "test"}, clock_.Now());
      });
    }
    StartGeneration();
  }

  std::string PathOf(const CheckpointRow& row) {
    return folder_.path() + "/store/" + row.prefix + "model.safetensors";
  }

  std::string Manifest(size_t bytes = sizeof(kBytes) - 1) {
    return nlohmann::json{
        {"files",
         {{{"name", "model.safetensors"}, {"bytes", bytes}, {"sha256", store::Sha256Hex(kBytes)}}}}}
        .dump();
  }

  CheckpointRow Upload(int64_t step) {
    const auto upload = ledger_.Begin(job_.id, job_.generation, step);
    EXPECT_TRUE(upload.ok()) << upload.status();
    std::filesystem::create_directories(folder_.path() + "/store/" + upload->prefix);
    std::ofstream(PathOf(*upload)) << kBytes;
    return *upload;
  }

  absl::StatusOr<Ledger::Commitment> Commit(const CheckpointRow& upload) {
    return ledger_.Commit(job_.id, upload.generation, upload.upload_id, upload.step, Manifest(),
                          "agent:n");
  }

  std::vector<int64_t> Restorable() {
    std::vector<int64_t> steps;
    EXPECT_TRUE(store_
                    ->Read([&](Database& db) -> absl::Status {
                      OCELLUS_ASSIGN_OR_RETURN(const auto rows, RestoreList(db, job_.id));
                      for (const CheckpointRow& row : rows) {
                        steps.push_back(row.step);
                      }
                      return absl::OkStatus();
                    })
                    .ok());
    return steps;
  }

  TempFolder folder_;
  SimulatedClock clock_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Objects> objects_;
  Ledger ledger_;
  JobRow job_;
};

TEST_F(LedgerTest, CommitMakesItRestorable) {
  const CheckpointRow upload = Upload(200);
  EXPECT_EQ(upload.prefix, absl::StrCat("default/", job_.id, "/checkpoints/step-000000200/g0001-",
                                        upload.upload_id, "/"));
  EXPECT_THAT(Restorable(), IsEmpty());
  const auto commitment = Commit(upload);
  ASSERT_TRUE(commitment.ok()) << commitment.status();
  EXPECT_THAT(Restorable(), ElementsAre(200));
  EXPECT_EQ(*objects_->Get(upload.prefix + "manifest.json"), Manifest());
  EXPECT_EQ(commitment->checkpoint.bytes,
            static_cast<int64_t>(sizeof(kBytes) - 1 + Manifest().size()));
}

TEST_F(LedgerTest, RepeatedCommitGivesTheSameAnswer) {
  const CheckpointRow upload = Upload(200);
  ASSERT_TRUE(Commit(upload).ok());
  const auto again = Commit(upload);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->checkpoint.upload_id, upload.upload_id);
  EXPECT_THAT(Restorable(), ElementsAre(200));
}

TEST_F(LedgerTest, CommitThatDiedAfterTheManifestIsMadeGood) {
  const CheckpointRow upload = Upload(200);
  ASSERT_TRUE(*objects_->PutIfAbsent(upload.prefix + "manifest.json", Manifest()));
  EXPECT_TRUE(Commit(upload).ok());
}

TEST_F(LedgerTest, StaleGenerationCannotCommit) {
  const CheckpointRow old = Upload(200);
  NextGeneration();
  EXPECT_EQ(ReasonOf(Commit(old).status()), v1::ERROR_REASON_STALE_GENERATION);
  EXPECT_EQ(ReasonOf(ledger_.Begin(job_.id, 1, 300).status()), v1::ERROR_REASON_STALE_GENERATION);
  EXPECT_THAT(Restorable(), IsEmpty());
  // Nor can it borrow the new generation's number.
  EXPECT_EQ(ReasonOf(ledger_.Commit(job_.id, 2, old.upload_id, 200, Manifest(), "x").status()),
            v1::ERROR_REASON_CHECKPOINT_INCOMPLETE);
}

TEST_F(LedgerTest, EverySliceMustBeThere) {
  const CheckpointRow upload = Upload(200);
  const auto commit = [&](const std::string& manifest) {
    return ledger_.Commit(job_.id, 1, upload.upload_id, 200, manifest, "x").status();
  };
  const absl::Status size = commit(Manifest(99));
  EXPECT_EQ(ReasonOf(size), v1::ERROR_REASON_CHECKPOINT_INCOMPLETE);
  EXPECT_THAT(std::string(size.message()), HasSubstr("model.safetensors has 7 bytes"));
  EXPECT_EQ(ReasonOf(commit("no json")), v1::ERROR_REASON_CHECKPOINT_INCOMPLETE);
  EXPECT_EQ(ReasonOf(commit(R"({"files": [{"name": "../x", "bytes": 1, "sha256": ""}]})")),
            v1::ERROR_REASON_CHECKPOINT_INCOMPLETE);
  std::filesystem::remove(PathOf(upload));
  EXPECT_THAT(std::string(commit(Manifest()).message()), HasSubstr("is absent"));
  EXPECT_THAT(Restorable(), IsEmpty());
}

TEST_F(LedgerTest, AManifestOfAnotherJobStepOrGenerationIsRefused) {
  const CheckpointRow upload = Upload(200);
  for (const nlohmann::json& other : {nlohmann::json{{"job", "j-other"}},
                                      {{"step", 100}},
                                      {{"generation", 7}},
                                      {{"step", "200"}}}) {
    nlohmann::json manifest = nlohmann::json::parse(Manifest());
    manifest.update(other);
    const auto refused = ledger_.Commit(job_.id, 1, upload.upload_id, 200, manifest.dump(), "x");
    EXPECT_EQ(ReasonOf(refused.status()), v1::ERROR_REASON_CHECKPOINT_INCOMPLETE) << other;
  }
  EXPECT_TRUE(Commit(upload).ok());
}

TEST_F(LedgerTest, StepsOnlyGrow) {
  ASSERT_TRUE(Commit(Upload(200)).ok());
  EXPECT_EQ(ReasonOf(Commit(Upload(200)).status()), v1::ERROR_REASON_WRONG_STATE);
  EXPECT_EQ(ReasonOf(Commit(Upload(100)).status()), v1::ERROR_REASON_WRONG_STATE);
}

TEST_F(LedgerTest, RetentionKeepsTheNewestAndLandmarks) {
  job_.spec.mutable_checkpoint()->set_keep_every_steps(300);
  Do([&](Database& db) {
    return db.Run("UPDATE jobs SET spec = ? WHERE id = ?", Blob{job_.spec.SerializeAsString()},
                  job_.id);
  });
  std::vector<std::string> expired;
  for (int64_t step = 100; step <= 600; step += 100) {
    const auto commitment = Commit(Upload(step));
    ASSERT_TRUE(commitment.ok()) << commitment.status();
    expired.insert(expired.end(), commitment->expired_prefixes.begin(),
                   commitment->expired_prefixes.end());
  }
  EXPECT_THAT(Restorable(), ElementsAre(600, 500, 300));
  ASSERT_EQ(expired.size(), 3u);
  EXPECT_THAT(expired[0], HasSubstr("step-000000100"));
}

TEST_F(LedgerTest, DamagedIsNotOfferedAgain) {
  ASSERT_TRUE(Commit(Upload(200)).ok());
  const CheckpointRow newer = Commit(Upload(300))->checkpoint;
  const std::string uri = absl::StrCat(ledger_.store_uri(), "/", newer.prefix);
  ASSERT_TRUE(ledger_.ReportDamage(job_.id, 1, uri, "bad bytes", "agent:n").ok());
  ASSERT_TRUE(ledger_.ReportDamage(job_.id, 1, newer.prefix, "bad bytes", "agent:n").ok());
  EXPECT_THAT(Restorable(), ElementsAre(200));
  EXPECT_EQ(ReasonOf(ledger_.ReportDamage(job_.id, 1, "elsewhere/", "", "x")),
            v1::ERROR_REASON_CHECKPOINT_NOT_FOUND);
  // The way is free for the same step again.
  EXPECT_TRUE(Commit(Upload(300)).ok());
}

TEST_F(LedgerTest, VerifyReadsEveryByte) {
  CheckpointRow row = Commit(Upload(200))->checkpoint;
  EXPECT_THAT(*ledger_.Verify(&row, "user:test"), IsEmpty());
  std::ofstream(PathOf(row)) << "weighTs";
  EXPECT_THAT(*ledger_.Verify(&row, "user:test"),
              ElementsAre(HasSubstr("model.safetensors has other bytes")));
  EXPECT_EQ(row.state, v1::CHECKPOINT_STATE_DAMAGED);
  EXPECT_THAT(Restorable(), IsEmpty());
  std::filesystem::remove(PathOf(row));
  EXPECT_THAT(*ledger_.Verify(&row, "user:test"), ElementsAre(HasSubstr("is missing")));
}

TEST_F(LedgerTest, SweepTakesOnlyWhatNobodyNeeds) {
  const CheckpointRow abandoned = Upload(100);
  const CheckpointRow committed = Commit(Upload(200))->checkpoint;
  NextGeneration();
  const CheckpointRow current = Upload(300);
  clock_.Advance(absl::Minutes(30));
  ASSERT_TRUE(ledger_.Sweep().ok());
  EXPECT_TRUE(std::filesystem::exists(PathOf(abandoned)));  // too young
  clock_.Advance(absl::Hours(1));
  ASSERT_TRUE(ledger_.Sweep().ok());
  EXPECT_FALSE(std::filesystem::exists(PathOf(abandoned)));
  EXPECT_TRUE(std::filesystem::exists(PathOf(committed)));
  EXPECT_TRUE(std::filesystem::exists(PathOf(current)));
}

TEST(ObjectsTest, UnknownSchemeIsAUsageError) {
  const auto objects = Objects::Open("ftp://somewhere");
  ASSERT_FALSE(objects.ok());
  EXPECT_THAT(std::string(objects.status().message()), HasSubstr("--store ftp://somewhere"));
}

}  // namespace
}  // namespace ocellus::coordinator
