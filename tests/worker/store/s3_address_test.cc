#include "worker/store/s3_address.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/worker/store/fake_environment.h"
#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

S3Address Parsed(const std::string& uri, const std::map<std::string, std::string>& variables = {},
                 const Profile& profile = {}) {
  return ParseS3Uri(uri, FakeEnvironment(variables), profile);
}

TEST(S3Address, AwsItselfIsTheDefault) {
  const S3Address address = Parsed("s3://bucket/a/b/");
  EXPECT_EQ(address.uri, "s3://bucket/a/b");
  EXPECT_EQ(address.prefix, "a/b/");
  EXPECT_EQ(address.region, "us-east-1");
  EXPECT_EQ(address.scheme, "https");
  EXPECT_FALSE(address.path_style);
  EXPECT_EQ(address.HostHeader(), "bucket.s3.us-east-1.amazonaws.com");
  EXPECT_EQ(address.PathOf("a/b/key"), "/a/b/key");
  EXPECT_EQ(address.PathOf(""), "/");
  EXPECT_TRUE(Parsed("s3://dotted.bucket").path_style);
  EXPECT_EQ(Parsed("s3://bucket").prefix, "");
}

TEST(S3Address, TheUriWinsOverEnvironmentOverProfile) {
  const std::map<std::string, std::string> variables = {{"AWS_REGION", "eu-west-1"},
                                                        {"AWS_ENDPOINT_URL", "http://general:1"},
                                                        {"AWS_ENDPOINT_URL_S3", "http://env:80/"},
                                                        {"AWS_DEFAULT_REGION", "no"}};
  const Profile profile = {{"region", "ap-south-1"}, {"endpoint_url", "https://profile:443"}};
  const S3Address of_uri =
      Parsed("s3://bucket?endpoint=https%3A%2F%2Furi%3A9000&region=x&path_style=false", variables,
             profile);
  EXPECT_EQ(of_uri.HostHeader(), "bucket.uri:9000");
  EXPECT_EQ(of_uri.region, "x");
  EXPECT_EQ(of_uri.uri, "s3://bucket?endpoint=https%3A%2F%2Furi%3A9000&region=x&path_style=false");
  const S3Address of_environment = Parsed("s3://bucket", variables, profile);
  EXPECT_EQ(of_environment.HostHeader(), "env");
  EXPECT_EQ(of_environment.PathOf("k"), "/bucket/k");
  EXPECT_EQ(of_environment.region, "eu-west-1");
  const S3Address of_profile = Parsed("s3://bucket", {}, profile);
  EXPECT_EQ(of_profile.HostHeader(), "profile");
  EXPECT_EQ(of_profile.scheme, "https");
  EXPECT_EQ(of_profile.region, "ap-south-1");
}

TEST(S3Address, AUriOpensTheSameAgain) {
  for (const char* uri : {"s3://bucket/100%25/a%3Fb?region=x", "s3://bucket/a b/", "s3://bucket"}) {
    const S3Address once = Parsed(uri), again = Parsed(once.uri);
    EXPECT_EQ(again.prefix, once.prefix) << uri;
    EXPECT_EQ(again.uri, once.uri) << uri;
    EXPECT_EQ(again.region, once.region) << uri;
  }
  EXPECT_EQ(Parsed("s3://bucket/100%25/a%3Fb").prefix, "100%/a?b/");
}

TEST(S3Address, Settings) {
  const S3Address address =
      Parsed("s3://bucket/p?timeout_s=7&attempts=3&parallel=2&part_mib=5&endpoint=http://[::1]:9");
  EXPECT_EQ(address.retry.deadline, std::chrono::seconds(7));
  EXPECT_EQ(address.retry.attempts_max, 3);
  EXPECT_EQ(address.parallel, 2u);
  EXPECT_EQ(address.part_bytes, 5u << 20);
  EXPECT_EQ(address.host, "[::1]:9");
}

TEST(S3Address, WrongOnesAreRefusedWithWhatIsRight) {
  for (const std::string uri :
       {"s3://", "s3:///x", "s3://B_d/x", "s3://bucket/a//b", "s3://bucket/../x", "s3://bucket?x=1",
        "s3://bucket?parallel=0", "s3://bucket?part_mib=4", "s3://bucket?timeout_s=1s",
        "s3://bucket?endpoint=host", "s3://bucket?endpoint=http://h/p", "s3://bucket?path_style=1",
        "s3://bucket?endpoint=ftp://h"}) {
    try {
      Parsed(uri);
      ADD_FAILURE() << uri;
    } catch (const wire::Fault& fault) {
      EXPECT_FALSE(fault.hint().empty()) << uri;
    }
  }
}

TEST(S3Address, CredentialsInAUriAreRefusedAndNotRepeated) {
  for (const std::string uri :
       {"s3://AKIA:hunter2@bucket/x", "s3://bucket?aws_secret_access_key=hunter2",
        "s3://bucket?session_token=hunter2", "s3://bucket?endpoint=http://u:hunter2@host"}) {
    try {
      Parsed(uri);
      ADD_FAILURE() << uri;
    } catch (const wire::Fault& fault) {
      EXPECT_EQ(fault.outcome(), "BAD_STORE");
      EXPECT_EQ(std::string(fault.what()).find("hunter2"), std::string::npos) << fault.what();
      EXPECT_NE(fault.hint().find("AWS_ACCESS_KEY_ID"), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace ocellus::store
