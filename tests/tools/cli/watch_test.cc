// Calls and watches against a coordinator in this process, which goes away and comes back.
#include "tools/cli/watch.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "coordinator/client/call.h"

namespace ocellus::cli {
namespace {

// Answers each watch with the next script: jobs to send, then the end of the stream.
class FakeJobs : public v1::JobService::Service {
 public:
  struct Script {
    std::vector<v1::JobState> states;
    grpc::Status end = grpc::Status::OK;
  };
  std::mutex mutex;
  std::vector<Script> scripts;      // guarded by mutex
  std::string protocol;             // of the last GetJob; guarded by mutex
  std::atomic<int> unavailable{0};  // so many calls of GetJob fail first
  std::atomic<int> calls{0};
  std::atomic<int> watches{0};

  grpc::Status WatchJobs(grpc::ServerContext*, const v1::WatchJobsRequest* request,
                         grpc::ServerWriter<v1::WatchJobsResponse>* writer) override {
    const Script script = NextScript();
    ++calls;
    for (v1::JobState state : script.states) {
      v1::WatchJobsResponse response;
      response.mutable_job()->set_id("j-1");
      response.mutable_job()->set_state(state);
      writer->Write(response);
    }
    return script.end;
  }

  Script NextScript() {
    std::lock_guard lock(mutex);
    return scripts[std::min<size_t>(watches++, scripts.size() - 1)];
  }

  grpc::Status GetJob(grpc::ServerContext* context, const v1::GetJobRequest*,
                      v1::GetJobResponse* response) override {
    ++calls;
    const auto sent = context->client_metadata().find("ocellus-protocol");
    {
      std::lock_guard lock(mutex);
      protocol = sent == context->client_metadata().end()
                     ? ""
                     : std::string(sent->second.data(), sent->second.size());
    }
    EXPECT_LT(context->deadline(), std::chrono::system_clock::now() + std::chrono::hours(1));
    if (unavailable-- > 0) return {grpc::StatusCode::UNAVAILABLE, "restarting"};
    response->mutable_job()->set_id("j-1");
    return grpc::Status::OK;
  }
};

class WatchTest : public testing::Test {
 protected:
  void SetUp() override {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    ASSERT_NE(server_, nullptr);
    session_.options.server = absl::StrCat("127.0.0.1:", port);
  }
  void TearDown() override { server_->Shutdown(); }

  ExitCode Run(std::vector<FakeJobs::Script> scripts, WatchOptions options = {}) {
    {
      std::lock_guard lock(service_.mutex);
      service_.scripts = std::move(scripts);
      service_.watches = 0;
    }
    options.quiet = true;
    return Watch(&session_, "demo", options);
  }

  FakeJobs service_;
  std::unique_ptr<grpc::Server> server_;
  Session session_;
};

TEST_F(WatchTest, EndsWithTheJobsCode) {
  EXPECT_EQ(Run({{{v1::JOB_STATE_RUNNING, v1::JOB_STATE_SUCCEEDED}}}), kSucceeded);
  EXPECT_EQ(Run({{{v1::JOB_STATE_FAILED}}}), kFailed);
  EXPECT_EQ(Run({{{v1::JOB_STATE_CANCELLED}}}), kCancelled);
}

TEST_F(WatchTest, GoesOnOverACoordinatorRestart) {
  const grpc::Status away(grpc::StatusCode::UNAVAILABLE, "shutting down");
  EXPECT_EQ(Run({{{v1::JOB_STATE_RUNNING}, away},
                 {{}, away},
                 {{v1::JOB_STATE_RUNNING}},
                 {{v1::JOB_STATE_SUCCEEDED}}}),
            kSucceeded);
  EXPECT_EQ(service_.watches, 4);
}

TEST_F(WatchTest, UntilAState) {
  EXPECT_EQ(Run({{{v1::JOB_STATE_PENDING, v1::JOB_STATE_RUNNING}}}, {v1::JOB_STATE_RUNNING}),
            kSucceeded);
  EXPECT_EQ(Run({{{v1::JOB_STATE_SUCCEEDED}}}, {v1::JOB_STATE_RUNNING}), kFailed);
}

TEST_F(WatchTest, AHeldJobEndsAScriptsWait) {
  WatchOptions options;
  options.ends_when_held = true;
  EXPECT_EQ(Run({{{v1::JOB_STATE_HELD}}}, options), kFailed);
  EXPECT_EQ(Run({{{v1::JOB_STATE_HELD, v1::JOB_STATE_SUCCEEDED}}}), kSucceeded);
}

TEST_F(WatchTest, ErrorsAndTimeOut) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(Run({{{},
                  coordinator::ToGrpc(coordinator::Error(absl::StatusCode::kNotFound,
                                                         v1::ERROR_REASON_JOB_NOT_FOUND,
                                                         "no job is called demo"))}}),
            kNotFound);
  session_.options.timeout_s = 0.4;
  EXPECT_EQ(Run({{{v1::JOB_STATE_RUNNING}}}), kTimedOut);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("no job is called demo"),
            std::string::npos);
}

TEST_F(WatchTest, ReadsAreRepeatedAndCarryTheProtocol) {
  service_.unavailable = 2;
  v1::GetJobResponse response;
  EXPECT_TRUE(session_.Read(session_.jobs(), &v1::JobService::Stub::GetJob, v1::GetJobRequest(),
                            &response));
  EXPECT_EQ(service_.calls, 3);
  std::lock_guard lock(service_.mutex);
  EXPECT_EQ(service_.protocol, "1");
}

TEST_F(WatchTest, ChangesAreSentOnce) {
  service_.unavailable = 1;
  const auto result = coordinator::Call(session_.jobs(), &v1::JobService::Stub::GetJob,
                                        v1::GetJobRequest(), {absl::Seconds(5), {}, {}});
  EXPECT_TRUE(absl::IsUnavailable(result.status()));
  EXPECT_EQ(service_.calls, 1);
}

TEST(ParseState, Names) {
  EXPECT_EQ(ParseState("running"), v1::JOB_STATE_RUNNING);
  EXPECT_EQ(ParseState("SUCCEEDED"), v1::JOB_STATE_SUCCEEDED);
  EXPECT_FALSE(ParseState("unspecified").has_value());
  EXPECT_FALSE(ParseState("done").has_value());
  EXPECT_FALSE(ParseState("").has_value());
}

}  // namespace
}  // namespace ocellus::cli
