#include "worker/agent/train_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "prometheus/text_serializer.h"

namespace ocellus::agent {
namespace {

using testing::HasSubstr;
using testing::Not;

class TrainMetricsTest : public testing::Test {
 protected:
  static wire::Step StepAt(int64_t step, int64_t skipped = 0) {
    wire::Step event;
    event.step = step;
    event.samples = step * 64;
    event.skipped = skipped;
    event.step_s = 0.5;
    event.collective_wait_s = 0.1;
    return event;
  }
  std::string Page() {
    return prometheus::TextSerializer().Serialize(metrics_.registry()->Collect());
  }

  coordinator::Metrics metrics_;
  TrainMetrics train_{&metrics_, Limits()};
};

TEST_F(TrainMetricsTest, CountersAreThereAtZero) {
  train_.Start("j", {0, 1});
  for (const char* line : {"ocellus_train_samples_total{job=\"j\"} 0",
                           "ocellus_checkpoint_stall_seconds_total{job=\"j\"} 0",
                           "ocellus_checkpoint_failures_total{job=\"j\",reason=\"upload\"} 0",
                           "ocellus_checkpoint_failures_total{job=\"j\",reason=\"left_out\"} 0",
                           "ocellus_log_dropped_lines_total{job=\"j\"} 0",
                           "ocellus_data_wait_seconds_total{job=\"j\",rank=\"1\"} 0",
                           "ocellus_train_collective_wait_seconds_total{job=\"j\",rank=\"1\"} 0"}) {
    EXPECT_THAT(Page(), HasSubstr(line));
  }
}

TEST_F(TrainMetricsTest, ACheckpointThatIsLeftOutIsCounted) {
  train_.Start("j", {0});
  train_.Value("j", {"checkpoint_left_out", 1, 20});
  EXPECT_THAT(Page(),
              HasSubstr("ocellus_checkpoint_failures_total{job=\"j\",reason=\"left_out\"} 1"));
}

TEST_F(TrainMetricsTest, SamplesCountWorkDoneAlsoOverAResume) {
  train_.Start("j", {0});
  for (int64_t step = 1; step <= 10; ++step) train_.Step("j", 0, StepAt(step), 1);
  EXPECT_THAT(Page(), HasSubstr("ocellus_train_samples_total{job=\"j\"} 640"));
  train_.Start("j", {0});  // the next generation resumes after step 5
  for (int64_t step = 6; step <= 7; ++step) train_.Step("j", 0, StepAt(step, 1), 1);
  EXPECT_THAT(Page(), HasSubstr("ocellus_train_samples_total{job=\"j\"} 768"));
  EXPECT_THAT(Page(), HasSubstr("ocellus_train_step{job=\"j\"} 7"));
  EXPECT_THAT(Page(), HasSubstr("ocellus_train_skipped_steps_total{job=\"j\"} 0"));
  train_.Step("j", 0, StepAt(8, 3), 1);
  EXPECT_THAT(Page(), HasSubstr("ocellus_train_skipped_steps_total{job=\"j\"} 2"));
}

TEST_F(TrainMetricsTest, TheStragglerIsTheOneThatWaitsLeast) {
  train_.Start("j", {0, 1, 2});
  wire::Step slow = StepAt(1);
  slow.collective_wait_s = 0;
  slow.step_s = 0.8;
  train_.Step("j", 0, StepAt(1), 1);
  train_.Step("j", 1, slow, 1);
  train_.Step("j", 2, StepAt(1), 1);
  EXPECT_THAT(Page(), HasSubstr("ocellus_train_straggler_ratio{job=\"j\",rank=\"1\"} 2"));
  EXPECT_THAT(Page(), HasSubstr("ocellus_train_straggler_ratio{job=\"j\",rank=\"0\"} 1"));
}

TEST_F(TrainMetricsTest, SeriesGoSomeTimeAfterTheEnd) {
  const SteadyTime end = SteadyClock::now();
  train_.Start("j", {0});
  train_.Start("k", {0});
  train_.Value("j", {"knn_accuracy", 0.7, 1});
  train_.Value("j", {"made_up", 0.7, 1});
  EXPECT_THAT(Page(), Not(HasSubstr("made_up")));
  train_.End("j", end);
  train_.Sweep(end + std::chrono::minutes(4));
  EXPECT_THAT(Page(), HasSubstr("ocellus_train_knn_accuracy{encoder=\"trained\",job=\"j\"} 0.7"));
  train_.Sweep(end + std::chrono::minutes(6));
  EXPECT_THAT(Page(), Not(HasSubstr("\"j\"")));
  EXPECT_THAT(Page(), HasSubstr("\"k\""));
  train_.Step("j", 0, StepAt(1), 1);  // late: ignored
}

TEST_F(TrainMetricsTest, EvaluationsAndTheCollapseHaveSeries) {
  train_.Start("j", {0});
  EXPECT_THAT(Page(), HasSubstr("ocellus_train_collapsed{job=\"j\"} 0"));
  train_.Value("j", {"collapsed", 1, 1});
  train_.Value("j", {"probe_accuracy_pixels", 0.25, 1});
  train_.Value("j", {"zero_shot_top5_init", 0.5, 1});
  train_.Value("j", {"recall_text_to_image_10", 0.75, 1});
  wire::Step step = StepAt(1);
  step.chance_loss = 6.5;
  train_.Step("j", 0, step, 1);
  for (const char* line :
       {"ocellus_train_collapsed{job=\"j\"} 1",
        "ocellus_train_probe_accuracy{encoder=\"pixels\",job=\"j\"} 0.25",
        "ocellus_train_zero_shot_accuracy{encoder=\"initial\",job=\"j\",k=\"5\"} 0.5",
        "ocellus_train_retrieval_recall{direction=\"text_to_image\",job=\"j\",k=\"10\"} 0.75",
        "ocellus_train_chance_loss{job=\"j\"} 6.5"}) {
    EXPECT_THAT(Page(), HasSubstr(line));
  }
}

TEST_F(TrainMetricsTest, ARestartWithinThatTimeKeepsThem) {
  const SteadyTime end = SteadyClock::now();
  train_.Start("j", {0});
  train_.Step("j", 0, StepAt(1), 1);
  train_.End("j", end);
  train_.Start("j", {0});
  train_.Sweep(end + std::chrono::hours(1));
  EXPECT_THAT(Page(), HasSubstr("ocellus_train_samples_total{job=\"j\"} 64"));
}

}  // namespace
}  // namespace ocellus::agent
