#include "tools/cli/job_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ocellus::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(10'000);

v1::Job Running() {
  v1::Job job;
  job.set_id("j-abc");
  job.mutable_spec()->set_name("demo");
  job.mutable_spec()->set_project("default");
  job.mutable_spec()->set_ranks(2);
  job.set_state(v1::JOB_STATE_RUNNING);
  job.set_reason(v1::JOB_REASON_TRAINING);
  job.set_generation(3);
  job.mutable_create_time()->set_seconds(9'000);
  job.mutable_progress()->set_step(120);
  job.mutable_progress()->set_total_steps(500);
  job.mutable_progress()->set_loss(0.83124);
  job.mutable_progress()->set_images_per_second(312.4);
  job.mutable_progress()->mutable_eta()->set_seconds(130);
  return job;
}

TEST(JobText, Progress) {
  EXPECT_EQ(ProgressText(Running().progress()),
            "step 120/500  24 %  loss 0.8312  312 images/s  ETA 2m10s");
  v1::Progress early;
  early.set_total_steps(500);
  early.set_phase("data");
  EXPECT_EQ(ProgressText(early), "step 0/500  0 %  (data)");
}

TEST(JobText, ProgressSaysWhatIsLearned) {
  v1::Progress progress = Running().progress();
  progress.set_chance_loss(6.654);
  progress.set_knn_accuracy(0.8349);
  EXPECT_EQ(ProgressText(progress),
            "step 120/500  24 %  loss 0.8312 (chance 6.654)  kNN 83.5 %  312 images/s  ETA 2m10s");
  progress.set_collapsed(true);
  EXPECT_THAT(ProgressText(progress), HasSubstr("kNN 83.5 %  COLLAPSED  312"));
}

TEST(JobText, TableRow) {
  const Table table = JobTable({Running()}, false, kNow);
  EXPECT_EQ(table.rows[0],
            (std::vector<std::string>{"j-abc", "demo", "default", "RUNNING", "TRAINING", "2", "3",
                                      "120", "24 %", "2m10s", "16m40s"}));
  EXPECT_EQ(table.header.size(), table.rows[0].size());
  const Table wide = JobTable({Running(), v1::Job()}, true, kNow);
  EXPECT_EQ(wide.header.size(), wide.rows[0].size());
  EXPECT_EQ(wide.header.size(), wide.rows[1].size());
}

TEST(JobText, DetailsEndWithFailureAndCommit) {
  v1::Job job = Running();
  EXPECT_THAT(JobDetails(job, kNow), EndsWith("last failure: none\nlast commit: none\n"));
  auto* failure = job.mutable_last_failure();
  failure->set_failure_class(v1::FAILURE_CLASS_INFRA_PROCESS);
  failure->set_node("node-1");
  failure->set_rank(1);
  failure->set_signal("SIGKILL");
  failure->set_message("killed");
  failure->set_hint("nothing to do");
  failure->add_last_lines("step 99");
  failure->mutable_at()->set_seconds(9'940);
  job.mutable_last_commit()->set_step(100);
  job.mutable_last_commit()->set_uri("file:///s/");
  job.mutable_last_commit()->mutable_commit_time()->set_seconds(9'990);
  EXPECT_THAT(JobDetails(job, kNow),
              EndsWith("last failure: INFRA_PROCESS on node-1, rank 1: SIGKILL: killed, 1m ago\n"
                       "  | step 99\n"
                       "  next: nothing to do\n"
                       "last commit: step 100, 10s ago, file:///s/\n"));
}

TEST(JobText, ForeignTextStaysOnItsLine) {
  v1::Job job = Running();
  job.set_message("a\nb\x1b[2J");
  EXPECT_EQ(StateLine(job), "RUNNING (TRAINING): a b [2J");
}

TEST(JobText, OtherTables) {
  v1::JobEvent event;
  event.set_type(v1::JOB_EVENT_TYPE_STATE_CHANGED);
  event.set_from_state(v1::JOB_STATE_PENDING);
  event.set_to_state(v1::JOB_STATE_STARTING);
  EXPECT_THAT(Render(EventTable({event})), HasSubstr("STATE_CHANGED  STARTING"));
  v1::Checkpoint checkpoint;
  checkpoint.set_step(200);
  checkpoint.set_state(v1::CHECKPOINT_STATE_DAMAGED);
  checkpoint.set_bytes(2048);
  EXPECT_THAT(Render(CheckpointTable({checkpoint}, true, kNow)), HasSubstr("DAMAGED  2.0 KiB"));
  v1::Node node;
  node.set_name("n");
  node.set_state(v1::NODE_STATE_READY);
  node.add_jobs("j-1");
  node.add_jobs("j-2");
  EXPECT_THAT(Render(NodeTable({node}, true, kNow)), HasSubstr("j-1,j-2"));
}

}  // namespace
}  // namespace ocellus::cli
