// What only real servers can prove: signatures, refusals, what they keep and what is left behind.
#include "tests/worker/store/s3_server.h"

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <functional>

#include "tests/worker/store/conformance.h"
#include "tests/worker/store/fake_environment.h"
#include "worker/store/crc32c.h"
#include "worker/store/store_check.h"
#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

using Kind = S3Server::Kind;

class S3ServerTest : public testing::TestWithParam<Kind> {
 protected:
  S3Server& server() { return S3Server::Get(GetParam()); }
  // A prefix of its own for each test.
  std::string Uri(const std::string& settings = "") {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    std::string name = test->name();
    std::replace(name.begin(), name.end(), '/', '-');
    return server().Uri("tests/" + name, settings);
  }
};

std::string FaultOf(const std::function<void()>& call) {
  try {
    call();
    return "no fault";
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(std::string(fault.what()).find(kTestSecretKey), std::string::npos);
    return fault.outcome() + ": " + fault.what() + " | " + fault.hint();
  }
}

TEST_P(S3ServerTest, AWrongSignatureIsRefused) {
  const auto wrong = OpenWith(Uri(), kTestAccessKey, "another-secret");
  EXPECT_NE(FaultOf([&] { wrong->Put("k", Bytes("v")); }).find("SignatureDoesNotMatch"),
            std::string::npos);
  EXPECT_NE(FaultOf([&] { wrong->List(""); }).find("AWS_SECRET_ACCESS_KEY"), std::string::npos);
  const auto nobody = OpenWith(Uri(), "AKIANOBODY", kTestSecretKey);
  EXPECT_EQ(FaultOf([&] { nobody->Put("k", Bytes("v")); }).substr(0, 12), "STORE_DENIED");
  EXPECT_FALSE(OpenWith(Uri())->Head("k"));
}

TEST_P(S3ServerTest, AMissingBucketIsToldAsSuch) {
  const auto store = OpenWith("s3://no-such-bucket?endpoint=" + server().url());
  for (const std::string& text :
       {FaultOf([&] { store->Put("k", Bytes("v")); }), FaultOf([&] { store->List(""); }),
        FaultOf([&] { store->PutIfAbsent("k", Bytes("v")); }),
        FaultOf([&] { store->Delete("k"); })}) {
    EXPECT_EQ(text.substr(0, 14), "STORE_MISSING:") << text;
  }
}

TEST_P(S3ServerTest, AClockOffByAnHourIsPutRight) {
  class Slow : public Clock {
    time_t WallTime() const override { return Clock::WallTime() - 3'600; }
  } slow;
  const auto store = OpenWith(Uri(), kTestAccessKey, kTestSecretKey, &slow);
  store->Put("k", Bytes("v"));
  EXPECT_EQ(store->Get("k"), "v");
}

TEST_P(S3ServerTest, AChangedBodyIsRefused) {
  const Environment keys = FakeEnvironment(
      {{"AWS_ACCESS_KEY_ID", kTestAccessKey}, {"AWS_SECRET_ACCESS_KEY", kTestSecretKey}});
  S3Client client(ParseS3Uri(Uri("attempts=2"), keys, {}), keys, {});
  S3Request request{.action = "writing", .method = "PUT", .key = "k"};
  request.headers = {{"x-amz-checksum-crc32c", Crc32cText(1)}};
  // A small body has a signed hash besides; a large one only the sum, unless it is asked for.
  const std::string small = "v", large(1 << 20, 'x');
  for (const std::span<const std::byte> body : {Bytes(small), Bytes(large)}) {
    request.body = body;
    EXPECT_NE(FaultOf([&] { client.Call(request); }), "no fault");
    EXPECT_FALSE(OpenWith(Uri())->Head("k"));
  }
  OpenWith(Uri("sign_payload=true"))->Put("k", Bytes(large));
  EXPECT_TRUE(OpenWith(Uri())->Get("k") == large);
}

TEST_P(S3ServerTest, TheServerKeepsTheChecksumOfTheWhole) {
  const auto store = OpenWith(Uri("part_mib=5&parallel=3"));
  std::string text(20 << 20, '\0');
  for (size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(i * 2'654'435'761u >> 13);
  store->Put("put", Bytes(text));
  const auto writer = store->Write("large");
  writer->Append(Bytes(text));
  writer->Finish();
  store->Put("small", Bytes("hello"));
  EXPECT_EQ(store->Head("small")->crc32c, Crc32c(Bytes("hello")));
  EXPECT_EQ(store->Head("put")->crc32c, Crc32c(Bytes(text)));
  EXPECT_EQ(store->Head("large")->crc32c, Crc32c(Bytes(text)));
  EXPECT_TRUE(store->Get("large") == text);
}

TEST_P(S3ServerTest, GivenUpAndForgottenUploadsLeaveNothing) {
  const std::string part(6 << 20, 'x');
  const auto store = OpenWith(Uri("part_mib=5"));
  { store->Write("given-up")->Append(Bytes(part)); }
  EXPECT_EQ(store->DropUnfinished("", std::chrono::seconds(0)), 0);
  const Environment keys = FakeEnvironment(
      {{"AWS_ACCESS_KEY_ID", kTestAccessKey}, {"AWS_SECRET_ACCESS_KEY", kTestSecretKey}});
  S3Client client(ParseS3Uri(Uri(), keys, {}), keys, {});
  client.Call(
      {.action = "x", .method = "POST", .key = "of a dead writer", .query = {{"uploads", ""}}});
  // minio lists the uploads of one key only; the others it drops itself after a day.
  const std::string of = GetParam() == Kind::kMinio ? "of a dead writer" : "of a";
  EXPECT_EQ(store->DropUnfinished(of, std::chrono::hours(1)), 0);
  EXPECT_EQ(store->DropUnfinished(of, std::chrono::seconds(0)), 1);
  EXPECT_EQ(store->DropUnfinished(of, std::chrono::seconds(0)), 0);
  EXPECT_TRUE(store->List("").empty());
}

TEST_P(S3ServerTest, CheckPassesAndLeavesNothing) {
  const auto store = OpenWith(Uri("part_mib=5"));
  for (const CheckStep& step : CheckStore(store.get())) {
    EXPECT_EQ(step.state, CheckStep::State::kPassed) << step.name << ": " << step.message;
  }
  EXPECT_TRUE(store->List("").empty());
  const auto wrong = OpenWith(Uri(), kTestAccessKey, "another-secret");
  const std::vector<CheckStep> steps = CheckStore(wrong.get());
  EXPECT_FALSE(Passed(steps));
  EXPECT_EQ(steps[0].state, CheckStep::State::kFailed);
  EXPECT_NE(steps[0].hint.find("AWS_SECRET_ACCESS_KEY"), std::string::npos);
  EXPECT_EQ(steps[2].state, CheckStep::State::kSkipped);
}

INSTANTIATE_TEST_SUITE_P(Servers, S3ServerTest, testing::Values(Kind::kVersitygw, Kind::kMinio),
                         [](const auto& info) {
                           return info.param == Kind::kVersitygw ? "Versitygw" : "Minio";
                         });

// A user whom no policy lets in: the check says which permissions are missing.
TEST(S3Denied, TheCheckNamesThePermissions) {
  S3Server& server = S3Server::Get(Kind::kVersitygw);
  const std::string command = server.program() + " admin --access " + kTestAccessKey +
                              " --secret " + kTestSecretKey + " --endpoint-url " + server.url() +
                              " create-user --access guest --secret guest-secret --role user" +
                              " > /dev/null 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const auto store = OpenWith(server.Uri("denied"), "guest", "guest-secret");
  EXPECT_EQ(FaultOf([&] { store->Put("k", Bytes("v")); }).substr(0, 13), "STORE_DENIED:");
  const std::vector<CheckStep> steps = CheckStore(store.get());
  ASSERT_EQ(steps.size(), 8u);
  EXPECT_EQ(steps[0].state, CheckStep::State::kFailed);
  EXPECT_EQ(steps[0].needs, "s3:ListBucket");
  EXPECT_NE(steps[1].message.find("AccessDenied"), std::string::npos) << steps[1].message;
  EXPECT_EQ(steps[7].state, CheckStep::State::kSkipped);
}

}  // namespace
}  // namespace ocellus::store
