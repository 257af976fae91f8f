#include "coordinator/page/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "coordinator/auth/credentials.h"
#include "coordinator/base/error.h"
#include "tests/coordinator/support/cluster.h"

namespace ocellus::coordinator {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr char kPng[] = "\x89PNG\r\n\x1a\nbytes";

class AnswersTest : public testing::Test {
 protected:
  absl::StatusOr<PageAnswer> Ask(const std::string& path, const std::string& after = "") {
    return answers_.To({path, after, "", "10.0.0.9"});
  }
  json Read(const std::string& path, const std::string& after = "") {
    const auto answer = Ask(path, after);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return answer.ok() ? json::parse(answer->body) : json();
  }
  // A job that runs on a fake agent, with its first two steps reported.
  void Run() {
    ASSERT_TRUE(agent_.Register().ok());
    agent_.Connect();
    job_ = cluster_.Submit(Spec("seen"));
    cluster_.Step();
    for (const int64_t step : {1, 2}) {
      for (const int rank : {0, 1}) ASSERT_TRUE(agent_.Progress(Ref(job_, 1), rank, step).ok());
    }
  }
  void Tell(const std::string& kind, const std::string& key, const std::string& bytes) {
    ASSERT_TRUE(cluster_.objects().PutIfAbsent(key, bytes).ok());
    v1::GangEvent event;
    *event.mutable_gang() = Ref(job_, 1);
    event.mutable_artifact()->set_kind(kind);
    event.mutable_artifact()->set_uri(key);
    ASSERT_TRUE(agent_.Report(event).ok());
  }
  std::string Own(const std::string& name) {
    return absl::StrCat("default/", job_, "/artifacts/", name);
  }

  Cluster cluster_;
  FakeAgent agent_{&cluster_, "node-1"};
  Answers answers_{cluster_.own_channel(), &cluster_.objects(), &cluster_.live()};
  std::string job_;
};

TEST_F(AnswersTest, OverviewHasJobsAndNodes) {
  Run();
  const json seen = Read("/api/overview");
  ASSERT_EQ(seen["jobs"].size(), 1u);
  EXPECT_EQ(seen["jobs"][0]["id"], job_);
  EXPECT_EQ(seen["jobs"][0]["progress"]["step"], "2");
  EXPECT_FALSE(seen["jobs"][0]["spec"].contains("training_json"));
  EXPECT_FALSE(seen["jobs"][0].contains("last_failure"));
  EXPECT_EQ(seen["nodes"][0]["name"], "node-1");
  EXPECT_EQ(seen["nodes"][0]["jobs"], json::array({job_}));
  EXPECT_EQ(seen["cluster"]["nodes_total"], 1);
  EXPECT_EQ(seen["who"]["local_mode"], true);
  EXPECT_EQ(seen["more_jobs"], false);
}

TEST_F(AnswersTest, AJobHasItsLossesAndItsHistoryBitByBit) {
  Run();
  const json seen = Read("/api/jobs/seen");
  EXPECT_EQ(seen["job"]["id"], job_);
  EXPECT_FALSE(seen["job"].contains("resolved_json"));
  ASSERT_EQ(seen["trail"].size(), 2u);
  EXPECT_EQ(seen["trail"][1][0], 2);
  ASSERT_GE(seen["events"].size(), 2u);
  const std::string last = seen["events"].back()["seq"];
  EXPECT_TRUE(Read(absl::StrCat("/api/jobs/", job_), last)["events"].empty());
  EXPECT_TRUE(absl::IsInvalidArgument(Ask("/api/jobs/seen", "x").status()));
}

TEST_F(AnswersTest, CurveAndPictureComeFromTheStore) {
  Run();
  EXPECT_TRUE(absl::IsNotFound(Ask("/api/jobs/seen/curve").status()));
  Tell("history", Own("history.jsonl"), "{\"step\":1,\"loss\":2}\n");
  Tell("reconstruction", Own("reconstruction-000000001.png"), kPng);
  EXPECT_EQ(Read("/api/jobs/seen/curve")["points"], json::parse("[[1, 2]]"));
  const auto picture = Ask("/api/jobs/seen/reconstruction");
  ASSERT_TRUE(picture.ok()) << picture.status();
  EXPECT_EQ(picture->type, "image/png");
  EXPECT_EQ(picture->body, kPng);
}

TEST_F(AnswersTest, OnlyPicturesAndOnlyTheJobsOwn) {
  Run();
  Tell("reconstruction", Own("a.png"), "<svg onload='alert(1)'/>");
  EXPECT_THAT(std::string(Ask("/api/jobs/seen/reconstruction").status().message()),
              HasSubstr("no PNG"));
  for (const std::string key : {"audio/j-other/artifacts/b.png", "default/j-other/b.png"}) {
    Tell("reconstruction", key, kPng);
    EXPECT_THAT(std::string(Ask("/api/jobs/seen/reconstruction").status().message()),
                HasSubstr("own folder"));
  }
}

TEST_F(AnswersTest, NothingElseIsThere) {
  for (const char* path : {"/api/", "/api/jobs", "/api/jobs/", "/api/jobs//curve", "/api/jobs/none",
                           "/api/jobs/none/curve", "/api/jobs/x/y/z", "/api/audit"}) {
    EXPECT_TRUE(absl::IsNotFound(Ask(path).status())) << path;
  }
}

// Guesses of one visitor are counted against that visitor, who cannot say to be another.
TEST(PageGuessesTest, AreSlowedDownForTheGuesser) {
  Cluster cluster(nullptr, Mode::kSecure);
  Answers answers(cluster.own_channel(), &cluster.objects(), &cluster.live());
  const auto guess = [&](const std::string& peer) {
    return answers.To({"/api/overview", "", "oct_guess", peer}).status().code();
  };
  EXPECT_EQ(answers.To({"/api/overview", "", "", "10.0.0.9"}).status().code(),
            absl::StatusCode::kUnauthenticated);
  absl::StatusCode last = absl::StatusCode::kOk;
  for (int i = 0; i < 60; ++i) last = guess("10.0.0.9");
  EXPECT_EQ(last, absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(guess("10.0.0.8"), absl::StatusCode::kUnauthenticated);

  grpc::ClientContext context;
  context.AddMetadata(kPagePeerKey, "no-secret 10.0.0.9");
  context.AddMetadata("authorization", "Bearer oct_guess");
  v1::ListJobsResponse response;
  const absl::Status status =
      FromGrpc(cluster.jobs().ListJobs(&context, v1::ListJobsRequest(), &response));
  EXPECT_TRUE(absl::IsUnauthenticated(status)) << status;
}

}  // namespace
}  // namespace ocellus::coordinator
