// Begin, commit, damage; and what a commit survives.
#include <atomic>
#include <filesystem>
#include <thread>

#include "coordinator/base/error.h"
#include "tests/worker/agent/agent_world.h"

namespace ocellus::agent {
namespace {

using testing::Contains;
using testing::HasSubstr;

class AgentCheckpoint : public AgentWorld {
 protected:
  const json save_ = {{{"steps", 5}}, {{"checkpoint", true}}};
};

TEST_F(AgentCheckpoint, GrantCommitResult) {
  StartAgent(OptionsWithMetrics());
  coordinator_->Send(StartGang({save_}));
  EXPECT_EQ(EndOf(WaitForEnds(1), 0).outcome(), "SUCCEEDED");
  const Heard heard = coordinator_->heard();
  ASSERT_EQ(heard.begins.size(), 1u);
  EXPECT_EQ(heard.begins[0].step(), 5);
  EXPECT_EQ(heard.begins[0].session(), 7);
  EXPECT_EQ(heard.begins[0].gang().job_id(), "j-1");
  ASSERT_EQ(heard.commits.size(), 1u);
  EXPECT_EQ(heard.commits[0].upload_id(), "ab12cd34");
  EXPECT_EQ(heard.commits[0].manifest(), "manifest of p/j-1/checkpoints/here/");
  EXPECT_THAT(heard.Texts(), Contains("committed 5  p/j-1/checkpoints/old/"));
  const std::string page = ReadMetrics();
  EXPECT_THAT(page, HasSubstr("ocellus_checkpoint_stall_seconds_total{job=\"j-1\"} 0.2"));
  EXPECT_THAT(
      page, HasSubstr("ocellus_checkpoint_duration_seconds_count{job=\"j-1\",stage=\"commit\"} 1"));
}

TEST_F(AgentCheckpoint, ACommitIsRepeatedUntilItIsAnsweredAndTheEndWaits) {
  StartAgent();
  std::atomic<int> tries{0};
  coordinator_->SetAnswer([&](const std::string& call) {
    if (call == "CommitCheckpoint" && ++tries < 6) return absl::UnavailableError("restarting");
    return absl::OkStatus();
  });
  // The rank does not wait for the answer: it ends with its commit under way.
  const json hasty = {
      {{"steps", 5}},
      {{"raw", R"({"type":"checkpoint_ready","rank":0,"at":1,"step":5,"upload_id":"u",)"
               R"("manifest":"m","snapshot_s":0,"stall_s":0,"upload_s":0})"}}};
  coordinator_->Send(StartGang({hasty}));
  EXPECT_EQ(EndOf(WaitForEnds(1), 0).outcome(), "SUCCEEDED");
  EXPECT_EQ(coordinator_->heard().commits.size(), 1u);
  EXPECT_EQ(tries, 6);
}

TEST_F(AgentCheckpoint, ARefusalIsTheAnswer) {
  StartAgent(OptionsWithMetrics());
  coordinator_->SetAnswer([](const std::string& call) {
    return call == "CommitCheckpoint" ? Refusal(v1::ERROR_REASON_CHECKPOINT_INCOMPLETE)
                                      : absl::OkStatus();
  });
  coordinator_->Send(StartGang({save_}));
  EXPECT_EQ(EndOf(WaitForEnds(1), 0).outcome(), "SUCCEEDED");
  EXPECT_THAT(coordinator_->heard().Texts(), Contains("refused 5 no"));
  EXPECT_THAT(ReadMetrics(),
              HasSubstr("ocellus_checkpoint_failures_total{job=\"j-1\",reason=\"commit\"} 1"));
}

TEST_F(AgentCheckpoint, AStoreThatStaysFullIsARefusalInTheEnd) {
  AgentOptions options = Options();
  options.limits.commit_tries = Millis(50);
  StartAgent(options);
  coordinator_->SetAnswer([](const std::string& call) {
    return call == "CommitCheckpoint" ? coordinator::StoreUnavailable("disk full")
                                      : absl::OkStatus();
  });
  coordinator_->Send(StartGang({save_}));
  WaitForEnds(1);
  EXPECT_THAT(coordinator_->heard().Texts(), Contains("refused 5 disk full"));
}

TEST_F(AgentCheckpoint, DamageIsReported) {
  StartAgent();
  coordinator_->Send(StartGang({{{{"damaged", "default/j-1/checkpoints/x/"}}}}));
  WaitForEnds(1);
  ASSERT_TRUE(coordinator_->WaitFor([](const Heard& heard) { return !heard.damages.empty(); }));
  EXPECT_EQ(coordinator_->heard().damages[0].uri(), "default/j-1/checkpoints/x/");
  EXPECT_EQ(coordinator_->heard().damages[0].fault(), "size differs");
}

TEST_F(AgentCheckpoint, DamageIsReportedBeforeTheEnd) {
  StartAgent();
  const std::string go = folder_ / "go";
  std::atomic<bool> held{false};
  coordinator_->SetAnswer([&](const std::string& call) {
    // The report of the start takes so long that the rank tells of damage and ends meanwhile.
    if (call == "ReportEvents" && !held.exchange(true)) {
      std::filesystem::create_directory(go);
      std::this_thread::sleep_for(Millis(300));
    }
    return absl::OkStatus();
  });
  coordinator_->Send(StartGang({{{{"await", go}}, {{"damaged", "x/"}}}}));
  WaitForEnds(1);
  EXPECT_EQ(coordinator_->heard().damages.size(), 1u);
}

}  // namespace
}  // namespace ocellus::agent
