// A gang from start to success, and what is said on the way.
#include <atomic>
#include <fstream>

#include "coordinator/base/random_id.h"
#include "tests/worker/agent/agent_world.h"

namespace ocellus::agent {
namespace {

using testing::Contains;
using testing::HasSubstr;

class AgentRun : public AgentWorld {};

TEST_F(AgentRun, RegistersWithWhatItHas) {
  StartAgent(OptionsWithMetrics());
  ASSERT_TRUE(WaitForGangs(0));
  const v1::RegisterRequest request = coordinator_->heard().registrations.at(0);
  EXPECT_EQ(request.node(), "node-a");
  EXPECT_TRUE(coordinator::IsUuid(request.instance_id()));
  EXPECT_EQ(request.protocol(), 1);
  EXPECT_EQ(request.inventory().cpu_slots(), 4);
  EXPECT_EQ(request.metrics_address(), agent_->metrics_address());
  EXPECT_EQ(request.gangs_size(), 0);
  EXPECT_EQ(coordinator_->heard().beats.at(0).session(), 7);
}

TEST_F(AgentRun, TwoRanksToSuccess) {
  StartAgent();
  const json rank0 = {{{"print", "hello"}},  {{"phase", "train"}},
                      {{"steps", 30}},       {{"artifact", "encoder"}},
                      {{"complain", "hmm"}}, {{"variable", "OMP_NUM_THREADS"}}};
  coordinator_->Send(StartGang({rank0, {{{"steps", 30}}}}));
  const auto ends = WaitForEnds(2);
  for (int rank : {0, 1}) {
    EXPECT_EQ(EndOf(ends, rank).outcome(), "SUCCEEDED");
    EXPECT_EQ(EndOf(ends, rank).exit_code(), 0);
    EXPECT_EQ(EndOf(ends, rank).step(), 30);
    EXPECT_EQ(EndOf(ends, rank).failure_class(), v1::FAILURE_CLASS_UNSPECIFIED);
  }
  const Heard heard = coordinator_->heard();
  EXPECT_EQ(heard.NewestStep(0), 30);
  EXPECT_EQ(heard.NewestStep(1), 30);
  EXPECT_THAT(heard.Texts(), Contains("hello"));
  EXPECT_THAT(heard.Texts(), Contains("hmm"));
  EXPECT_THAT(heard.Texts(), Contains("OMP_NUM_THREADS=1"));
  EXPECT_EQ(heard.events.front().has_started(), true);
  bool artifact = false;
  for (const v1::GangEvent& event : heard.events) {
    EXPECT_EQ(event.gang().job_id(), "j-1");
    EXPECT_GT(event.at().seconds(), 1'600'000'000);
    artifact = artifact || event.artifact().kind() == "encoder";
  }
  EXPECT_TRUE(artifact);
  EXPECT_TRUE(WaitForGangs(0));
}

TEST_F(AgentRun, LogsAreTaggedCompleteAndThereBeforeTheEnd) {
  StartAgent();
  std::atomic<int> refusals{0};
  coordinator_->SetAnswer([&](const std::string& call) {
    // The first tries fail, so that the end would overtake the logs if it could.
    if (call == "PutLogs" && ++refusals < 4) return absl::UnavailableError("busy");
    return absl::OkStatus();
  });
  coordinator_->Send(StartGang({{{{"lines", 5000}}}}));
  WaitForEnds(1);
  const Heard heard = coordinator_->heard();
  ASSERT_EQ(heard.lines.size(), 5000u);
  for (size_t i = 0; i < heard.lines.size(); ++i) {
    EXPECT_EQ(heard.lines[i].seq(), static_cast<int64_t>(i) + 1);
    EXPECT_EQ(heard.lines[i].text(), "line " + std::to_string(i));
    EXPECT_EQ(heard.lines[i].generation(), 1);
    EXPECT_EQ(heard.lines[i].level(), v1::LOG_LEVEL_INFO);
  }
  EXPECT_EQ(EndOf(heard.Ends(), 0).last_lines_size(), kLastLines);
  EXPECT_EQ(heard.dropped, 0);
}

TEST_F(AgentRun, ASpoolThatIsFullDropsTheOldestAndSaysSo) {
  AgentOptions options = OptionsWithMetrics();
  options.limits.spool_bytes_max = 64 << 10;
  options.limits.spool_segment_bytes = 8 << 10;
  StartAgent(options);
  std::atomic<bool> open{false};
  coordinator_->SetAnswer([&](const std::string& call) {
    return call == "PutLogs" && !open ? absl::UnavailableError("busy") : absl::OkStatus();
  });
  coordinator_->Send(StartGang({{{{"lines", 20000}}, {{"phase", "export"}}}}));
  ASSERT_TRUE(coordinator_->WaitFor([](const Heard& heard) {
    return !heard.events.empty() && heard.events.back().progress().phase() == "export";
  }));
  open = true;
  WaitForEnds(1);
  const Heard heard = coordinator_->heard();
  EXPECT_GT(heard.dropped, 0);
  EXPECT_EQ(heard.dropped + static_cast<int64_t>(heard.lines.size()), 20000);
  EXPECT_EQ(heard.lines.back().seq(), 20000);
  EXPECT_THAT(ReadMetrics(), HasSubstr("ocellus_log_dropped_lines_total{job=\"j-1\"} " +
                                       std::to_string(heard.dropped)));
}

TEST_F(AgentRun, AnUnreadableEventIsALineAndNoMore) {
  StartAgent();
  coordinator_->Send(StartGang({{{{"raw", "{\"type\":\"step\"}"}}, {{"raw", "rubbish"}}}}));
  EXPECT_EQ(EndOf(WaitForEnds(1), 0).outcome(), "SUCCEEDED");
  EXPECT_THAT(coordinator_->heard().Texts(), Contains(HasSubstr("unreadable event")));
}

TEST_F(AgentRun, AStartThatIsSentAgainIsIgnoredAndANewerOneReplaces) {
  StartAgent();
  const json train = {{{"train", true}}};
  coordinator_->Send(StartGang({train}, 2));
  const int64_t pid = PidOf(0, 2);
  coordinator_->Send(StartGang({train}, 2));
  coordinator_->Send(StartGang({train}, 1));
  coordinator_->Send(StartGang({{{{"print", "third"}}}}, 3));
  ASSERT_TRUE(WaitForLine("third"));
  EXPECT_TRUE(WaitForDeath(pid));
  const auto ends = WaitForEnds(1);
  EXPECT_EQ(ends.size(), 1u);  // the replaced gang is stale: nothing is said about it
  EXPECT_EQ(ends[0].gang().generation(), 3);
  int started = 0;
  for (const v1::GangEvent& event : coordinator_->heard().events) started += event.has_started();
  EXPECT_EQ(started, 2);
}

TEST_F(AgentRun, MetricsPassPromtoolAndGoAfterTheEnd) {
  AgentOptions options = OptionsWithMetrics();
  options.limits.series_kept = Millis(0);
  StartAgent(options);
  const std::string go = folder_ / "go";
  coordinator_->Send(StartGang({{{{"steps", 10}}, {{"metric", "knn_accuracy"}}, {{"await", go}}}}));
  ASSERT_TRUE(coordinator_->WaitFor([](const Heard& heard) { return heard.NewestStep(0) == 10; }));
  const std::string page = ReadMetrics();
  for (const char* line :
       {"ocellus_train_step{job=\"j-1\"} 10", "ocellus_train_samples_total{job=\"j-1\"} 640",
        "ocellus_train_images_per_second{job=\"j-1\"} 6400",
        "ocellus_train_knn_accuracy{encoder=\"trained\",job=\"j-1\"} 0.5",
        "ocellus_train_skipped_steps_total{job=\"j-1\"} 0",
        "ocellus_checkpoint_failures_total{job=\"j-1\",reason=\"commit\"} 0",
        "ocellus_train_step_duration_seconds_count{job=\"j-1\",phase=\"total\"} 10",
        "ocellus_train_last_progress_timestamp_seconds{job=\"j-1\",rank=\"0\"}"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
  if (system("command -v promtool > /dev/null") == 0) {
    EXPECT_EQ(system(("promtool check metrics < " + folder_ / "metrics.txt").c_str()), 0);
  }
  std::ofstream(go) << "go";
  WaitForEnds(1);
  ASSERT_TRUE(WaitForGangs(0));
  // The next look of the supervisor removes them; the answer to any order comes after one.
  coordinator_->Send(StartGang({{{{"print", "later"}}}}, 1, "j-2"));
  ASSERT_TRUE(WaitForLine("later"));
  EXPECT_THAT(ReadMetrics(), testing::Not(HasSubstr("j-1")));
}

TEST_F(AgentRun, ProgressSaysWhatIsLearned) {
  StartAgent();
  const json steps = {{"steps", 1}}, knn = {{"metric", "knn_accuracy"}};
  const json collapsed = {{"metric", "collapsed"}}, random = {{"metric", "knn_accuracy_init"}};
  coordinator_->Send(StartGang({{steps, knn, collapsed, random, steps, {{"train", true}}}}));
  const bool told = coordinator_->WaitFor([](const Heard& heard) {
    return std::any_of(heard.events.begin(), heard.events.end(), [](const auto& event) {
      const v1::Progress& progress = event.progress();
      return progress.chance_loss() == 2.5 && progress.knn_accuracy() == 0.5 &&
             progress.collapsed() && progress.step() >= 2;
    });
  });
  EXPECT_TRUE(told);
}

TEST_F(AgentRun, AnAlarmBecomesAnEventOfTheJob) {
  StartAgent();
  coordinator_->Send(StartGang({{{{"steps", 3}}, {{"alarm", "features are the same"}}}}));
  WaitForEnds(1);
  const bool told = coordinator_->WaitFor([](const Heard& heard) {
    return std::any_of(heard.events.begin(), heard.events.end(), [](const auto& event) {
      return event.warning().text() == "features are the same";
    });
  });
  EXPECT_TRUE(told);
}

}  // namespace
}  // namespace ocellus::agent
