#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "coordinator/base/protocol.h"
#include "coordinator/base/random_id.h"
#include "tests/coordinator/support/cluster.h"

namespace ocellus::coordinator {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Pair;

class ApiTest : public testing::Test {
 protected:
  absl::Status Create(const v1::CreateJobRequest& request, v1::CreateJobResponse* response) {
    grpc::ClientContext context;
    return FromGrpc(cluster_.jobs().CreateJob(&context, request, response));
  }
  v1::CreateJobRequest Request(const std::string& name) {
    v1::CreateJobRequest request;
    *request.mutable_spec() = Spec(name);
    request.set_request_id(NewUuid());
    return request;
  }

  Cluster cluster_;
};

TEST_F(ApiTest, SubmitIsExactlyOnceByRequestId) {
  const v1::CreateJobRequest request = Request("a");
  v1::CreateJobResponse first, second;
  ASSERT_TRUE(Create(request, &first).ok());
  ASSERT_TRUE(Create(request, &second).ok());
  EXPECT_FALSE(first.replayed());
  EXPECT_TRUE(second.replayed());
  EXPECT_EQ(first.job().id(), second.job().id());
  cluster_.Restart();
  ASSERT_TRUE(Create(request, &second).ok());
  EXPECT_EQ(first.job().id(), second.job().id());

  v1::CreateJobRequest other = request;
  other.mutable_spec()->set_priority(1);
  const absl::Status reused = Create(other, &second);
  EXPECT_TRUE(absl::IsAlreadyExists(reused));
  EXPECT_EQ(ReasonOf(reused), v1::ERROR_REASON_IDEMPOTENCY_KEY_REUSED);
  EXPECT_EQ(MetadataOf(reused).at("job"), first.job().id());
}

TEST_F(ApiTest, OneRequestFromManyThreadsMakesOneJob) {
  const v1::CreateJobRequest request = Request("a");
  std::vector<std::string> ids(8);
  std::vector<std::thread> threads;
  for (std::string& id : ids) {
    threads.emplace_back([&] {
      v1::CreateJobResponse response;
      ASSERT_TRUE(Create(request, &response).ok());
      id = response.job().id();
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_THAT(ids, testing::Each(ids[0]));
}

TEST_F(ApiTest, RequestIdMustBeAUuid) {
  v1::CreateJobRequest request = Request("a");
  for (const char* id : {"", "1234"}) {
    request.set_request_id(id);
    v1::CreateJobResponse response;
    EXPECT_THAT(ViolationsOf(Create(request, &response)),
                Contains(Pair("request_id", HasSubstr("UUID"))));
  }
}

TEST_F(ApiTest, BadSpecNamesTheNearestKey) {
  v1::CreateJobRequest request = Request("a");
  request.mutable_spec()->set_training_json(R"({"objectve": {}})");
  v1::CreateJobResponse response;
  const absl::Status status = Create(request, &response);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_INVALID_SPEC);
  EXPECT_THAT(ViolationsOf(status), Contains(Pair("objectve", HasSubstr("objective"))));
}

TEST_F(ApiTest, ValidateOnlyResolvesAndCreatesNothing) {
  v1::CreateJobRequest request = Request("a");
  request.set_validate_only(true);
  request.clear_request_id();
  v1::CreateJobResponse response;
  ASSERT_TRUE(Create(request, &response).ok());
  EXPECT_TRUE(response.job().id().empty());
  EXPECT_THAT(response.job().resolved_json(), HasSubstr("norm_pix_loss"));
  grpc::ClientContext context;
  v1::ListJobsResponse list;
  ASSERT_TRUE(cluster_.jobs().ListJobs(&context, {}, &list).ok());
  EXPECT_EQ(list.jobs_size(), 0);
}

TEST_F(ApiTest, TooLargeIsSaidClearly) {
  v1::CreateJobRequest request = Request("a");
  request.mutable_spec()->set_training_json(std::string(5'000'000, ' '));
  v1::CreateJobResponse response;
  const absl::Status status = Create(request, &response);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_TOO_LARGE);
  EXPECT_THAT(std::string(status.message()), HasSubstr("the limit is 4 MiB"));
}

TEST_F(ApiTest, OtherProtocolIsToldWhichSideToUpgrade) {
  const auto call = [&](const std::string& protocol) {
    grpc::ClientContext context;
    context.AddMetadata(kProtocolKey, protocol);
    v1::ListJobsResponse response;
    return FromGrpc(cluster_.jobs().ListJobs(&context, {}, &response));
  };
  EXPECT_TRUE(call(absl::StrCat(kProtocol)).ok());
  const absl::Status older = call("0");
  EXPECT_EQ(ReasonOf(older), v1::ERROR_REASON_VERSION_UNSUPPORTED);
  EXPECT_THAT(std::string(older.message()), HasSubstr("upgrade it to Ocellus"));
  EXPECT_THAT(std::string(call("99").message()), HasSubstr("upgrade the coordinator"));
  EXPECT_FALSE(call("nonsense").ok());
}

TEST_F(ApiTest, PagesCoverEveryJobOnceNewestFirst) {
  std::vector<std::string> submitted;
  for (int i = 0; i < 7; ++i) {
    submitted.push_back(cluster_.Submit(Spec(absl::StrCat("job-", i))));
  }
  std::vector<std::string> listed;
  v1::ListJobsRequest request;
  request.set_page_size(3);
  for (int page = 0; page < 3; ++page) {
    grpc::ClientContext context;
    v1::ListJobsResponse response;
    ASSERT_TRUE(cluster_.jobs().ListJobs(&context, request, &response).ok());
    EXPECT_LE(response.jobs_size(), 3);
    EXPECT_EQ(response.next_page_token().empty(), page == 2);
    for (const v1::Job& job : response.jobs()) {
      listed.push_back(job.id());
    }
    request.set_page_token(response.next_page_token());
  }
  std::reverse(listed.begin(), listed.end());
  EXPECT_EQ(listed, submitted);

  grpc::ClientContext context;
  v1::ListJobsResponse response;
  request.set_page_token("x");
  EXPECT_EQ(cluster_.jobs().ListJobs(&context, request, &response).error_code(),
            grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(ApiTest, FiltersByState) {
  const std::string kept = cluster_.Submit(Spec("a"));
  const std::string cancelled = cluster_.Submit(Spec("b"));
  grpc::ClientContext cancel;
  v1::CancelJobRequest cancel_request;
  cancel_request.set_job("b");
  v1::CancelJobResponse cancel_response;
  ASSERT_TRUE(cluster_.jobs().CancelJob(&cancel, cancel_request, &cancel_response).ok());
  EXPECT_EQ(cancel_response.job().state(), v1::JOB_STATE_CANCELLED);
  v1::ListJobsRequest request;
  request.add_states(v1::JOB_STATE_CANCELLED);
  grpc::ClientContext context;
  v1::ListJobsResponse response;
  ASSERT_TRUE(cluster_.jobs().ListJobs(&context, request, &response).ok());
  ASSERT_EQ(response.jobs_size(), 1);
  EXPECT_EQ(response.jobs(0).id(), cancelled);
}

TEST_F(ApiTest, EtagsAndStates) {
  const std::string job = cluster_.Submit(Spec("a"));
  const auto hold = [&](const std::string& etag) {
    grpc::ClientContext context;
    v1::HoldJobRequest request;
    request.set_job(job);
    request.set_etag(etag);
    v1::HoldJobResponse response;
    return FromGrpc(cluster_.jobs().HoldJob(&context, request, &response));
  };
  EXPECT_EQ(ReasonOf(hold("v99")), v1::ERROR_REASON_ETAG_MISMATCH);
  EXPECT_TRUE(hold(cluster_.Get(job).etag()).ok());
  EXPECT_TRUE(hold("").ok());  // it is held already
  grpc::ClientContext context;
  v1::CancelJobRequest cancel;
  cancel.set_job(job);
  v1::CancelJobResponse cancelled;
  ASSERT_TRUE(cluster_.jobs().CancelJob(&context, cancel, &cancelled).ok());
  EXPECT_EQ(ReasonOf(hold("")), v1::ERROR_REASON_WRONG_STATE);
}

TEST_F(ApiTest, ExplainSaysWhatWouldUnblock) {
  const std::string job = cluster_.Submit(Spec("a"));
  cluster_.Step();
  grpc::ClientContext context;
  v1::ExplainJobRequest request;
  request.set_job(job);
  v1::ExplainJobResponse response;
  ASSERT_TRUE(cluster_.jobs().ExplainJob(&context, request, &response).ok());
  EXPECT_THAT(response.explanation(), HasSubstr("pending (no_nodes)"));
  EXPECT_THAT(response.next_steps(0), HasSubstr("ocellus-worker"));
}

TEST_F(ApiTest, UnknownJobIsNotFound) {
  grpc::ClientContext context;
  v1::GetJobRequest request;
  request.set_job("j-none");
  v1::GetJobResponse response;
  const absl::Status status = FromGrpc(cluster_.jobs().GetJob(&context, request, &response));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_JOB_NOT_FOUND);
  EXPECT_THAT(std::string(status.message()), HasSubstr("ocellus job list"));
}

TEST_F(ApiTest, FullDiskRefusesSubmitsAndServesOn) {
  const std::string kept = cluster_.Submit(Spec("kept"));
  ASSERT_TRUE(cluster_.store()
                  .Write("test", [](Database& db) { return db.Script("PRAGMA max_page_count=1"); })
                  .ok());
  absl::Status status;
  v1::CreateJobRequest refused;
  v1::CreateJobResponse response;
  for (int i = 0; status.ok() && i < 10'000; ++i) {
    refused = Request(absl::StrCat("job-", i));
    (*refused.mutable_spec()->mutable_labels())["a"] = std::string(60, 'x');
    status = Create(refused, &response);
  }
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_STORE_UNAVAILABLE);
  EXPECT_EQ(cluster_.Get(kept).id(), kept);
  ASSERT_TRUE(
      cluster_.store()
          .Write("test", [](Database& db) { return db.Script("PRAGMA max_page_count=100000"); })
          .ok());
  ASSERT_TRUE(Create(refused, &response).ok());  // the same request, now for the first time
  EXPECT_FALSE(response.replayed());
}

TEST_F(ApiTest, WatchFollowsAJobToItsEnd) {
  const std::string job = cluster_.Submit(Spec("a"));
  grpc::ClientContext context;
  v1::WatchJobsRequest request;
  request.set_job("a");
  auto reader = cluster_.jobs().WatchJobs(&context, request);
  v1::WatchJobsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.job().state(), v1::JOB_STATE_PENDING);
  grpc::ClientContext cancel;
  v1::CancelJobRequest cancel_request;
  cancel_request.set_job(job);
  v1::CancelJobResponse cancel_response;
  ASSERT_TRUE(cluster_.jobs().CancelJob(&cancel, cancel_request, &cancel_response).ok());
  while (reader->Read(&response)) {
  }
  EXPECT_EQ(response.job().state(), v1::JOB_STATE_CANCELLED);
  EXPECT_TRUE(reader->Finish().ok());
}

}  // namespace
}  // namespace ocellus::coordinator
