#include "tools/cli/job_document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/models/schema/documents.h"
#include "tests/support/temp_folder.h"

namespace ocellus::cli {
namespace {

using testing::HasSubstr;

TEST(JobDocument, BecomesASpec) {
  TempFolder folder;
  const std::string path = folder.Write("job.yaml", schema::kLeastJob);
  JobDocument job;
  std::vector<schema::Problem> problems;
  ASSERT_TRUE(
      ReadJobDocument(path,
                      {"ranks=2", "device=cpu", "labels={team: vision}", "data.train=x/*.tar",
                       "retry.unknown_retries=0", "checkpoint.keep_every_steps=1000"},
                      &job, &problems));
  const v1::JobSpec spec = ToJobSpec(job.document);
  EXPECT_EQ(spec.name(), "least");
  EXPECT_EQ(spec.project(), "default");
  EXPECT_EQ(spec.ranks(), 2);
  EXPECT_EQ(spec.device(), v1::DEVICE_CPU);
  EXPECT_TRUE(spec.retry().has_unknown_retries());
  EXPECT_EQ(spec.retry().unknown_retries(), 0);
  EXPECT_EQ(spec.checkpoint().every_steps(), 500);
  EXPECT_EQ(spec.checkpoint().keep(), 3);
  EXPECT_EQ(spec.checkpoint().keep_every_steps(), 1000);
  EXPECT_EQ(spec.stop_grace().seconds(), 120);
  EXPECT_EQ(spec.labels().at("team"), "vision");
  const auto training = nlohmann::json::parse(spec.training_json());
  EXPECT_EQ(training["data"]["train"], folder / "x/*.tar");
  EXPECT_FALSE(training.contains("ranks"));
}

std::string Refused(const std::string& path) {
  JobDocument job;
  std::vector<schema::Problem> problems;
  EXPECT_FALSE(ReadJobDocument(path, {}, &job, &problems));
  return ProblemsText(path, problems);
}

TEST(JobDocument, Unreadable) {
  TempFolder folder;
  EXPECT_EQ(
      Refused(folder / "none.yaml"),
      (folder / "none.yaml") +
          ": cannot be read: No such file or directory; give the path of a job document in YAML "
          "or JSON\nocellus: 1 problem in " +
          (folder / "none.yaml") + "; `ocellus explain KEY` tells what a key means");
  EXPECT_THAT(Refused(folder.path()), HasSubstr("Is a directory"));
}

TEST(JobDocument, TooLarge) {
  TempFolder folder;
  const std::string path = folder.Write("big.yaml", "name: " + std::string(5'000'000, 'x'));
  EXPECT_THAT(Refused(path), HasSubstr("big.yaml: the document has 5000006 bytes, more than the "
                                       "limit of 1 MiB"));
}

TEST(JobDocument, ThreeMistakesInThreeLines) {
  TempFolder folder;
  const std::string path = folder.Write(
      "job.yaml", std::string(schema::kLeastJob) + "rank: 2\nprecision: fp8\npriority: high\n");
  EXPECT_EQ(
      Refused(path),
      path + ":8: rank: unknown key; did you mean ranks?\n" +  //
          path + ":9: precision: \"fp8\" is not known; one of bf16 or fp32\n" + path +
          ":10: priority: expected an integer, got the text \"high\"; write a number, without "
          "quotes\n"
          "ocellus: 3 problems in " +
          path + "; `ocellus explain KEY` tells what a key means");
}

}  // namespace
}  // namespace ocellus::cli
