#include "tools/cli/data_paths.h"

#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"

namespace ocellus::cli {
namespace {

using nlohmann::json;

json Training(const json& train) {
  return {{"data", {{"train", train}, {"val", ""}}}, {"init", {{"weights", ""}}}};
}

TEST(DataPaths, RelativeToTheDocument) {
  json training = Training({"a/*.tar", "/b", "../c", "s3://bucket/x", "./d"});
  training["init"]["weights"] = "w.safetensors";
  MakePathsAbsolute("/jobs/one", &training);
  EXPECT_EQ(training["data"]["train"],
            json({"/jobs/one/a/*.tar", "/b", "/jobs/c", "s3://bucket/x", "/jobs/one/d"}));
  EXPECT_EQ(training["data"]["val"], "");
  EXPECT_EQ(training["init"]["weights"], "/jobs/one/w.safetensors");
}

TEST(DataPaths, OfCaptionsAndClassesToo) {
  json training = Training("/data");
  training["data"]["text"]["vocabulary"] = "merges.txt.gz";
  training["eval"]["zero_shot"]["classes"] = "../names.txt";
  MakePathsAbsolute("/jobs/one", &training);
  EXPECT_EQ(training["data"]["text"]["vocabulary"], "/jobs/one/merges.txt.gz");
  EXPECT_EQ(training["eval"]["zero_shot"]["classes"], "/jobs/names.txt");
  const auto problems = MissingPaths("job.yaml", training);
  ASSERT_EQ(problems.size(), 3u);
  EXPECT_EQ(problems[1].path, "data.text.vocabulary");
  EXPECT_EQ(problems[2].path, "eval.zero_shot.classes");

  const json names = {"a cat", "a dog"};
  training["eval"]["zero_shot"]["classes"] = names;
  training["data"]["text"]["vocabulary"] = "";
  MakePathsAbsolute("/jobs/one", &training);
  EXPECT_EQ(training["eval"]["zero_shot"]["classes"], names);
  EXPECT_EQ(training["data"]["text"]["vocabulary"], "");
}

TEST(DataPaths, HomeFolder) {
  TempFolder folder;
  setenv("HOME", folder.path().c_str(), 1);
  json training = Training("~/images");
  MakePathsAbsolute("/jobs", &training);
  EXPECT_EQ(training["data"]["train"], folder / "images");
}

TEST(DataPaths, WhatIsThereIsNoProblem) {
  TempFolder folder;
  folder.Write("shards/a-0.tar", "x");
  EXPECT_TRUE(MissingPaths("f", Training(folder / "shards/a-*.tar")).empty());
  EXPECT_TRUE(MissingPaths("f", Training(folder / "shards")).empty());
  EXPECT_TRUE(MissingPaths("f", Training("s3://bucket/x")).empty());
}

TEST(DataPaths, WhatIsMissingNamesTheNearestFolder) {
  TempFolder folder;
  folder.Write("shards/a-0.tar", "x");
  auto problems = MissingPaths("job.yaml", Training(json{folder / "shards/b-*.tar"}));
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].ToString(), "job.yaml: data.train[0]: nothing is at " +
                                        (folder / "shards/b-*.tar") +
                                        "; the nearest folder that exists is " +
                                        (folder / "shards") + "; it holds a-0.tar");
  problems = MissingPaths("job.yaml", Training(folder / "no/where/*.tar"));
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_NE(problems[0].hint.find("is " + folder.path() + "; it holds shards"), std::string::npos);
}

TEST(DataPaths, EmptyFolder) {
  TempFolder folder;
  const auto problems = MissingPaths("job.yaml", Training(folder.path()));
  ASSERT_EQ(problems.size(), 1u);
  EXPECT_EQ(problems[0].message, "the folder " + folder.path() + " is empty");
}

}  // namespace
}  // namespace ocellus::cli
