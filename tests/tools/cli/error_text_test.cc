// Errors and exit codes.
#include "tools/cli/error_text.h"

#include <gtest/gtest.h>

#include "coordinator/base/error.h"
#include "coordinator/client/address.h"
#include "tools/cli/exit_code.h"

namespace ocellus::cli {
namespace {

constexpr char kAddress[] = "127.0.0.1:7410";

TEST(ErrorText, NoCoordinator) {
  EXPECT_EQ(ErrorText(absl::UnavailableError("connection refused"), kAddress),
            "no coordinator answers at 127.0.0.1:7410 (connection refused)\n"
            "  next: start one with `ocellus up`, or name another with --server or OCELLUS_SERVER");
}

TEST(ErrorText, OurErrorsKeepTheirWords) {
  const absl::Status status = coordinator::Error(
      absl::StatusCode::kNotFound, v1::ERROR_REASON_JOB_NOT_FOUND, "no job is called nobody");
  EXPECT_EQ(ErrorText(status, kAddress),
            "no job is called nobody\n  next: `ocellus job list` shows the jobs there are");
  EXPECT_EQ(CodeOf(status), kNotFound);
}

TEST(ErrorText, ViolationsAreListedOnce) {
  const std::string text =
      ErrorText(coordinator::BadRequest({{"a.b", "is wrong"}, {"c", "is absent"}}), kAddress);
  EXPECT_EQ(text,
            "the request has 2 mistakes:\n  a.b: is wrong\n  c: is absent\n"
            "  next: `ocellus explain KEY` tells what a key means");
}

TEST(ErrorText, SurvivesTheWire) {
  const absl::Status sent = coordinator::Error(
      absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_VERSION_UNSUPPORTED,
      "this server speaks protocol 2; install ocellus 9.0");
  const absl::Status got = coordinator::FromGrpc(coordinator::ToGrpc(sent));
  EXPECT_EQ(ErrorText(got, kAddress).substr(0, 50),
            "this server speaks protocol 2; install ocellus 9.0");
  EXPECT_NE(ErrorText(got, kAddress).find("this is ocellus"), std::string::npos);
}

TEST(ErrorText, RetryDelayIsSaid) {
  EXPECT_NE(ErrorText(coordinator::StoreUnavailable("the disk is full"), kAddress)
                .find("the disk is full; try again in 2 s"),
            std::string::npos);
}

TEST(ErrorText, OlderServer) {
  const std::string text = ErrorText(absl::UnimplementedError(""), kAddress);
  EXPECT_NE(text.find("does not know this call"), std::string::npos);
  EXPECT_NE(text.find("upgrade the coordinator"), std::string::npos);
}

TEST(ExitCode, OfStatus) {
  EXPECT_EQ(CodeOf(absl::OkStatus()), kSucceeded);
  EXPECT_EQ(CodeOf(absl::InvalidArgumentError("")), kUsage);
  EXPECT_EQ(CodeOf(absl::NotFoundError("")), kNotFound);
  EXPECT_EQ(CodeOf(absl::PermissionDeniedError("")), kDenied);
  EXPECT_EQ(CodeOf(absl::UnauthenticatedError("")), kDenied);
  EXPECT_EQ(CodeOf(absl::UnavailableError("")), kUnavailable);
  EXPECT_EQ(CodeOf(absl::DeadlineExceededError("")), kTimedOut);
  EXPECT_EQ(CodeOf(absl::InternalError("")), kFailed);
}

TEST(ExitCode, OfJob) {
  EXPECT_EQ(CodeOf(v1::JOB_STATE_SUCCEEDED), 0);
  EXPECT_EQ(CodeOf(v1::JOB_STATE_FAILED), 1);
  EXPECT_EQ(CodeOf(v1::JOB_STATE_CANCELLED), 7);
  EXPECT_FALSE(IsFinal(v1::JOB_STATE_HELD));
  EXPECT_FALSE(IsFinal(v1::JOB_STATE_STOPPING));
  EXPECT_TRUE(IsFinal(v1::JOB_STATE_CANCELLED));
}

TEST(Address, Form) {
  EXPECT_TRUE(coordinator::CheckAddress("127.0.0.1:7410").ok());
  EXPECT_TRUE(coordinator::CheckAddress("[::1]:1").ok());
  for (const char* bad : {"", "host", "host:", ":1", "host:x", "host:0", "host:65536"}) {
    EXPECT_FALSE(coordinator::CheckAddress(bad).ok()) << bad;
  }
  EXPECT_TRUE(coordinator::IsLoopback("127.0.0.1:7410"));
  EXPECT_FALSE(coordinator::IsLoopback("trainer.example:7410"));
}

}  // namespace
}  // namespace ocellus::cli
