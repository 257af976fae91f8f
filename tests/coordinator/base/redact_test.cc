#include "coordinator/base/redact.h"

#include <gtest/gtest.h>

#include <string>

namespace ocellus::coordinator {
namespace {

const std::string kToken = "oct_" + std::string(43, 'x');

TEST(RedactTest, HidesWhatIsSecret) {
  EXPECT_EQ(Redact("a " + kToken + " b"), "a [redacted] b");
  EXPECT_EQ(Redact("ocj_" + std::string(43, '-')), "[redacted]");
  EXPECT_EQ(Redact(kToken + "," + kToken), "[redacted],[redacted]");
  EXPECT_EQ(Redact("s3://key:pass@host/bucket"), "s3://key:[redacted]@host/bucket");
  EXPECT_EQ(Redact("password=hunter2 x"), "password=[redacted] x");
  EXPECT_EQ(Redact("AWS_SECRET_ACCESS_KEY: abc/def+1"), "AWS_SECRET_ACCESS_KEY: [redacted]");
  EXPECT_EQ(Redact(R"({"secret": "abc", "x": 1})"), R"({"secret": "[redacted]", "x": 1})");
  EXPECT_EQ(Redact("Authorization: Bearer abc.def"), "Authorization: [redacted]");
  const std::string key = "-----BEGIN PRIVATE KEY-----\nMIG\n-----END PRIVATE KEY-----";
  EXPECT_EQ(Redact(key).find("MIG"), std::string::npos);
  EXPECT_EQ(Redact(key + key).find("MIG"), std::string::npos);
}

TEST(RedactTest, LeavesTheRest) {
  for (const char* text :
       {"", "oct_short", "step 5 loss 0.5", "http://host:80/x@y", "the secret of passwords",
        "s3://bucket/a:b", "secretary: ann", "-----BEGIN CERTIFICATE REQUEST-----\nMIG"}) {
    EXPECT_EQ(Redact(text), text);
  }
}

TEST(RedactTest, TwiceIsAsOnce) {
  const std::string once = Redact("password=a secret: b " + kToken);
  EXPECT_EQ(Redact(once), once);
}

}  // namespace
}  // namespace ocellus::coordinator
