#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <set>
#include <thread>

#include "absl/strings/str_cat.h"
#include "coordinator/base/beacon.h"
#include "coordinator/base/endpoint_file.h"
#include "coordinator/base/error.h"
#include "coordinator/base/lock_file.h"
#include "coordinator/base/log.h"
#include "coordinator/base/metrics.h"
#include "coordinator/base/random_id.h"
#include "coordinator/base/shutdown.h"
#include "prometheus/text_serializer.h"
#include "tests/coordinator/support/fixtures.h"

namespace ocellus::coordinator {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ErrorTest, DetailsSurviveTheWire) {
  const absl::Status sent = Error(absl::StatusCode::kFailedPrecondition,
                                  v1::ERROR_REASON_STALE_GENERATION, "too old", {{"job", "j-1"}});
  const absl::Status received = FromGrpc(ToGrpc(sent));
  EXPECT_EQ(received.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(received.message(), "too old");
  EXPECT_EQ(ReasonOf(received), v1::ERROR_REASON_STALE_GENERATION);
  EXPECT_EQ(MetadataOf(received).at("job"), "j-1");
}

TEST(ErrorTest, BadRequestListsEveryViolation) {
  const absl::Status status = FromGrpc(ToGrpc(BadRequest({{"a.b", "wrong"}, {"c", "missing"}})));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_INVALID_SPEC);
  EXPECT_THAT(ViolationsOf(status),
              testing::ElementsAre(FieldViolation("a.b", "wrong"), FieldViolation("c", "missing")));
  EXPECT_THAT(std::string(status.message()), HasSubstr("a.b: wrong"));
}

TEST(ErrorTest, ForeignStatusHasNoReason) {
  EXPECT_EQ(ReasonOf(FromGrpc(grpc::Status(grpc::StatusCode::INTERNAL, "x"))),
            v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_TRUE(FromGrpc(grpc::Status::OK).ok());
}

TEST(LockFileTest, SecondHolderIsToldThePid) {
  TempFolder folder;
  auto first = LockFile::Acquire(folder.path(), "ocellus-test");
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = LockFile::Acquire(folder.path(), "ocellus-test");
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(absl::StrCat("pid ", getpid())));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("--data-dir"));
  first->reset();
  EXPECT_TRUE(LockFile::Acquire(folder.path(), "ocellus-test").ok());
}

TEST(LockFileTest, FolderThatCannotBeMade) {
  TempFolder folder;
  std::ofstream(folder.path() + "/file") << "x";
  const auto lock = LockFile::Acquire(folder.path() + "/file/data", "ocellus-test");
  ASSERT_FALSE(lock.ok());
  EXPECT_THAT(std::string(lock.status().message()), HasSubstr("cannot make the data folder"));
}

TEST(EndpointFileTest, RoundTrip) {
  TempFolder folder;
  EXPECT_TRUE(absl::IsNotFound(ReadEndpoint(folder.path()).status()));
  ASSERT_TRUE(
      WriteEndpoint(folder.path(), {"127.0.0.1:1", "127.0.0.1:2", "http://127.0.0.1:3/"}).ok());
  const auto endpoint = ReadEndpoint(folder.path());
  ASSERT_TRUE(endpoint.ok());
  EXPECT_EQ(endpoint->grpc, "127.0.0.1:1");
  EXPECT_EQ(endpoint->metrics, "127.0.0.1:2");
}

TEST(RandomIdTest, FormAndDifference) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string uuid = NewUuid();
    EXPECT_TRUE(IsUuid(uuid)) << uuid;
    EXPECT_EQ(uuid[14], '4');
    seen.insert(uuid);
  }
  EXPECT_EQ(seen.size(), 1000u);
  EXPECT_FALSE(IsUuid("not-a-uuid"));
  EXPECT_FALSE(IsUuid("6f2a9a9e-6f0c-4d28-9d9e-0b7f4a7f1d1"));
  EXPECT_EQ(RandomHex(8).size(), 8u);
}

TEST(BeaconTest, WakesAndRemembers) {
  Beacon beacon;
  const int64_t seen = beacon.Seen();
  beacon.Notify();
  EXPECT_EQ(beacon.Wait(seen, absl::Hours(1)), seen + 1);  // the change came before the wait
  std::thread later([&] { beacon.Notify(); });
  EXPECT_EQ(beacon.Wait(seen + 1, absl::Hours(1)), seen + 2);
  later.join();
  beacon.Close();
  beacon.Wait(beacon.Seen(), absl::Hours(1));
}

TEST(ShutdownTest, SignalBecomesAValue) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ShutdownSignal shutdown;
    raise(SIGTERM);
    _exit(shutdown.Wait(absl::Seconds(10)) == SIGTERM && shutdown.Wait(absl::ZeroDuration()) == 0
              ? 0
              : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

TEST(LogTest, OneLineWithQuotedValues) {
  testing::internal::CaptureStderr();
  Log(LogSeverity::kInfo, "something", {{"count", 3}, {"text", "two \"words\"\nand more"}});
  Log(LogSeverity::kDebug, "unseen");
  const std::string said = testing::internal::GetCapturedStderr();
  EXPECT_THAT(said, HasSubstr(" info something count=3 text=\"two \\\"words\\\"\\nand more\"\n"));
  EXPECT_THAT(said, Not(HasSubstr("unseen")));
}

std::string Page(const Metrics& metrics) {
  return prometheus::TextSerializer().Serialize(metrics.registry()->Collect());
}

TEST(MetricsTest, SeriesComeAndGo) {
  Metrics metrics;
  metrics.Counter(metric::kStaleRejections, {{"rpc", "PutLogs"}});
  EXPECT_THAT(Page(metrics),
              HasSubstr("ocellus_stale_generation_rejections_total{rpc=\"PutLogs\"} 0"));
  metrics.Counter(metric::kStaleRejections, {{"rpc", "PutLogs"}}).Increment();
  EXPECT_EQ(metrics.Counter(metric::kStaleRejections, {{"rpc", "PutLogs"}}).Value(), 1);

  metrics.Counter(metric::kJobWall, {{"job", "j-1"}});
  metrics.Counter(metric::kJobWall, {{"job", "j-2"}});
  metrics.Forget("job", "j-1");
  EXPECT_THAT(Page(metrics), Not(HasSubstr("j-1")));
  EXPECT_THAT(Page(metrics), HasSubstr("j-2"));

  metrics.SetGauges(metric::kJobsPending, {{{{"reason", "a"}}, 2}, {{{"reason", "b"}}, 1}});
  metrics.SetGauges(metric::kJobsPending, {{{{"reason", "b"}}, 5}});
  EXPECT_THAT(Page(metrics), Not(HasSubstr("reason=\"a\"")));
  EXPECT_THAT(Page(metrics), HasSubstr("ocellus_jobs_pending{reason=\"b\"} 5"));
}

TEST(MetricsServerTest, PortInUse) {
  Metrics metrics;
  const auto first = MetricsServer::Start("127.0.0.1:0", metrics);
  ASSERT_TRUE(first.ok()) << first.status();
  const auto second = MetricsServer::Start((*first)->address(), metrics);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr((*first)->address()));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("--metrics-listen"));
}

}  // namespace
}  // namespace ocellus::coordinator
