// How the client takes what servers and networks do, against a server that answers by script.
#include "worker/store/s3_client.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <mutex>

#include "tests/worker/store/conformance.h"
#include "tests/worker/store/fake_clock.h"
#include "tests/worker/store/fake_environment.h"
#include "tests/worker/store/http_listener.h"
#include "worker/store/s3_store.h"
#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

Reply Error(int status, const std::string& code, const std::string& more = "") {
  return Answer(status,
                "<Error><Code>" + code + "</Code><Message>why</Message>" + more + "</Error>");
}

class S3ClientTest : public testing::Test {
 protected:
  // The n-th request gets script_[n], and the last one all that follow.
  S3ClientTest()
      : server_([this](const SeenRequest& request) {
          const std::lock_guard lock(mutex_);
          seen_.push_back(request);
          const size_t at = std::min(seen_.size(), script_.size()) - 1;
          return script_[at](request);
        }) {}

  void Script(std::vector<Reply> replies) {
    for (Reply& reply : replies) {
      script_.push_back([reply](const SeenRequest&) { return reply; });
    }
  }
  S3Store& store(const std::string& settings = "") {
    const Environment environment = FakeEnvironment({{"AWS_ACCESS_KEY_ID", "AKIA"},
                                                     {"AWS_SECRET_ACCESS_KEY", "hunter2"},
                                                     {"AWS_SESSION_TOKEN", "the-token"},
                                                     {"HOME", "/nonexistent"}});
    const std::string uri = "s3://bucket/pre?endpoint=" + server_.url() + settings;
    store_ = std::make_unique<S3Store>(std::make_unique<S3Client>(ParseS3Uri(uri, environment, {}),
                                                                  environment, Profile{}, &clock_));
    return *store_;
  }
  // "OUTCOME: message | hint".
  static std::string FaultOf(const std::function<void()>& call) {
    try {
      call();
      return "no fault";
    } catch (const wire::Fault& fault) {
      const std::string text = fault.outcome() + ": " + fault.what() + " | " + fault.hint();
      EXPECT_EQ(text.find("hunter2"), std::string::npos) << text;
      EXPECT_EQ(text.find("the-token"), std::string::npos) << text;
      EXPECT_FALSE(fault.hint().empty()) << text;
      return text;
    }
  }
  static bool Has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  FakeClock clock_;
  std::mutex mutex_;
  std::vector<SeenRequest> seen_;  // guarded by mutex_
  std::vector<std::function<Reply(const SeenRequest&)>> script_;
  HttpListener server_;
  std::unique_ptr<S3Store> store_;
};

TEST_F(S3ClientTest, ARequestIsWhatS3Expects) {
  Script({Answer(200)});
  store().Put("a b/\xc3\xa9+%", Bytes("hello"));
  const SeenRequest& seen = seen_.at(0);
  EXPECT_EQ(seen.method + " " + seen.target, "PUT /bucket/pre/a%20b/%C3%A9%2B%25");
  EXPECT_EQ(seen.body, "hello");
  EXPECT_EQ(seen.headers.at("x-amz-checksum-crc32c"), "mnG7TA==");
  EXPECT_EQ(seen.headers.at("x-amz-content-sha256"),
            "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  EXPECT_EQ(seen.headers.at("x-amz-date"), "20231114T221320Z");
  EXPECT_EQ(seen.headers.at("x-amz-security-token"), "the-token");
  EXPECT_TRUE(seen.headers.at("authorization")
                  .starts_with("AWS4-HMAC-SHA256 Credential=AKIA/20231114/us-east-1/s3/"));
  EXPECT_FALSE(seen.headers.contains("expect"));
}

TEST_F(S3ClientTest, TroubleThatPassesIsTriedAgain) {
  Script({{},
          Error(503, "SlowDown"),
          Answer(500),
          Error(400, "RequestTimeout"),
          {"HTTP/1.1 200 OK\r\n\r\n", 12},
          Answer(429),
          Error(400, "BadDigest"),
          Answer(200)});
  store().Put("k", Bytes("v"));
  EXPECT_EQ(seen_.size(), 8u);
  EXPECT_GT(clock_.slept_ms(), 0);
}

TEST_F(S3ClientTest, TroubleThatStaysIsOneFault) {
  Script({Error(503, "SlowDown")});
  const std::string text = FaultOf([&] { store("&attempts=4").Put("k", Bytes("v")); });
  EXPECT_TRUE(Has(text, "STORE_UNAVAILABLE: store s3://bucket/pre")) << text;
  EXPECT_TRUE(Has(text, "writing k: SlowDown: why (HTTP 503), after 4 attempts")) << text;
  EXPECT_EQ(seen_.size(), 4u);
}

TEST_F(S3ClientTest, TheDeadlineEndsIt) {
  Script({Answer(500)});
  FaultOf([&] { store("&timeout_s=3&attempts=1000").Put("k", Bytes("v")); });
  EXPECT_LE(clock_.slept_ms(), 3'000);
}

TEST_F(S3ClientTest, RetryAfterIsObeyed) {
  Script({Answer(503, "", {{"Retry-After", "9"}}), Answer(200)});
  store().Put("k", Bytes("v"));
  EXPECT_GE(clock_.slept_ms(), 9'000);
}

TEST_F(S3ClientTest, WhatDoesNotPassIsNotTriedAgain) {
  const std::pair<Reply, const char*> cases[] = {
      {Error(403, "SignatureDoesNotMatch"), "AWS_SECRET_ACCESS_KEY"},
      {Error(403, "InvalidAccessKeyId"), "STORE_DENIED"},
      {Error(404, "NoSuchBucket"), "STORE_MISSING"},
      {Error(507, "XMinioStorageFull"), "STORE_FULL"},
      {Error(400, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>"),
       "set region=eu-west-1"},
      {Answer(301, "", {{"x-amz-bucket-region", "eu-west-2"}}), "set region=eu-west-2"},
      {Error(501, "NotImplemented"), "STORE_UNAVAILABLE"},
      {Answer(200, std::string(17 << 20, 'x')), "STORE_ERROR"}};
  for (const auto& [reply, part] : cases) {
    seen_.clear();
    script_.clear();
    Script({reply});
    const std::string text = FaultOf([&] { store().Put("k", Bytes("v")); });
    EXPECT_TRUE(Has(text, part)) << text;
    EXPECT_EQ(seen_.size(), 1u) << text;
  }
}

TEST_F(S3ClientTest, DeniedIsTriedTwiceMore) {
  Script({Error(403, "AccessDenied")});
  const std::string text = FaultOf([&] { store().Put("k", Bytes("v")); });
  EXPECT_TRUE(Has(text, "STORE_DENIED")) << text;
  EXPECT_TRUE(Has(text, "after 3 attempts")) << text;
  EXPECT_EQ(seen_.size(), 3u);
}

TEST_F(S3ClientTest, NobodyThereSaysSo) {
  Script({Answer(200)});
  store();
  const std::string uri =
      "s3://bucket?attempts=2&endpoint=http://127.0.0.1:" + std::to_string(FreePort());
  const Environment environment =
      FakeEnvironment({{"AWS_ACCESS_KEY_ID", "A"}, {"AWS_SECRET_ACCESS_KEY", "S"}});
  S3Store nobody(std::make_unique<S3Client>(ParseS3Uri(uri, environment, {}), environment,
                                            Profile{}, &clock_));
  const std::string text = FaultOf([&] { nobody.Head("k"); });
  EXPECT_TRUE(Has(text, "STORE_UNAVAILABLE")) << text;
  EXPECT_TRUE(Has(text, "is the endpoint right")) << text;
}

TEST_F(S3ClientTest, AClockThatIsOffIsPutRightByTheServers) {
  Script({Answer(403, "<Error><Code>RequestTimeTooSkewed</Code></Error>",
                 {{"Date", "Tue, 14 Nov 2023 23:20:00 GMT"}}),
          Answer(200)});
  store().Put("k", Bytes("v"));
  EXPECT_EQ(seen_.at(1).headers.at("x-amz-date"), "20231114T232000Z");
  store_->Put("k", Bytes("v"));
  EXPECT_EQ(seen_.at(2).headers.at("x-amz-date").substr(0, 13), "20231114T2320");
}

TEST_F(S3ClientTest, AnExpiredTokenIsFetchedAnewOnce) {
  Script({Error(400, "ExpiredToken"), Error(400, "ExpiredToken"), Answer(200)});
  const std::string text = FaultOf([&] { store().Put("k", Bytes("v")); });
  EXPECT_TRUE(Has(text, "STORE_DENIED")) << text;
  EXPECT_TRUE(Has(text, "renew the session token")) << text;
  EXPECT_EQ(seen_.size(), 2u);
}

// The answer of the first attempt is lost; the second meets the object that the first made.
TEST_F(S3ClientTest, ALostAnswerOfAConditionalWriteIsNotTakenForAnotherWriter) {
  std::string name;
  const auto keep = [&](const SeenRequest& request) {
    name = request.headers.at(kWriteHeader);
    return Reply{};
  };
  const auto mine = [&](const SeenRequest&) { return Answer(200, "", {{kWriteHeader, name}}); };
  script_ = {keep, [](const SeenRequest&) { return Error(412, "PreconditionFailed"); }, mine};
  EXPECT_TRUE(store().PutIfAbsent("k", Bytes("v")));
  seen_.clear();
  const auto theirs = [](const SeenRequest&) { return Answer(200, "", {{kWriteHeader, "other"}}); };
  script_ = {keep, [](const SeenRequest&) { return Error(412, "PreconditionFailed"); }, theirs};
  EXPECT_FALSE(store().PutIfAbsent("k", Bytes("v")));
}

TEST_F(S3ClientTest, DamageIsSeen) {
  Script({Answer(200, "hellp", {{"ETag", "\"e\""}, {"x-amz-checksum-crc32c", "mnG7TA=="}})});
  std::string text = FaultOf([&] { store().Get("k"); });
  EXPECT_TRUE(Has(text, "OBJECT_DAMAGED")) << text;
  EXPECT_TRUE(Has(text, "CRC-32C differs")) << text;
  script_.clear();
  Script({Answer(206, "hello", {{"ETag", "\"e\""}, {"Content-Range", "bytes 1-5/6"}})});
  std::string bytes(5, '\0');
  const auto out = std::as_writable_bytes(std::span(bytes));
  text = FaultOf([&] { store().Read("k", 0, out); });
  EXPECT_TRUE(Has(text, "another range than asked for")) << text;
  script_.clear();
  Script({Answer(200, "hello", {{"ETag", "\"e\""}})});
  text = FaultOf([&] { store().Read("k", 0, out); });
  EXPECT_TRUE(Has(text, "ignores Range")) << text;
}

}  // namespace
}  // namespace ocellus::store
