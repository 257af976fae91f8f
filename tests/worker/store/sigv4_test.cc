// Signature Version 4 against the published test suite (aws-sig-v4-test-suite, the cases that S3's
// form of it shares: paths are neither normalised nor encoded twice) and S3's own examples.
#include "worker/store/sigv4.h"

#include <gtest/gtest.h>

#include "worker/store/encoding.h"
#include "worker/store/sha256.h"

namespace ocellus::store {
namespace {

const std::string kEmptyHash = Sha256Hex("");
constexpr char kSecret[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const SigningScope kScope{1440938160, "us-east-1", "service"};  // 20150830T123600Z
const std::string kUnreserved =
    "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

struct SuiteCase {
  std::string name;
  std::string method;
  std::string path;
  NameValues query;
  NameValues headers;  // besides host and x-amz-date
  std::string signature;
  std::string body = "";
};

SigningRequest RequestOf(const SuiteCase& c) {
  SigningRequest request{c.method, c.path, c.query, c.headers, Sha256Hex(c.body)};
  request.headers.emplace_back("Host", "example.amazonaws.com");
  request.headers.emplace_back("X-Amz-Date", "20150830T123600Z");
  if (!c.body.empty()) request.headers.emplace_back("X-Amz-Content-Sha256", Sha256Hex(c.body));
  return request;
}

const SuiteCase kSuite[] = {
    {"get-vanilla",
     "GET",
     "/",
     {},
     {},
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"get-vanilla-empty-query-key",
     "GET",
     "/",
     {{"Param1", "value1"}},
     {},
     "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb"},
    {"get-vanilla-query-order-key-case",
     "GET",
     "/",
     {{"Param2", "value2"}, {"Param1", "value1"}},
     {},
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-query-order-encoded",
     "GET",
     "/",
     {{"Param-3", "Value3"}, {"Param", "Value2"}, {"\xe1\x88\xb4", "Value1"}},
     {},
     "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac"},
    {"get-vanilla-query-unreserved",
     "GET",
     "/",
     {{kUnreserved, kUnreserved}},
     {},
     "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    {"get-vanilla-utf8-query",
     "GET",
     "/",
     {{"\xe1\x88\xb4", "bar"}},
     {},
     "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {"get-unreserved",
     "GET",
     "/" + kUnreserved,
     {},
     {},
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-utf8",
     "GET",
     "/\xe1\x88\xb4",
     {},
     {},
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-space-unnormalized",
     "GET",
     "/example space/",
     {},
     {},
     "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741"},
    {"get-slashes-unnormalized",
     "GET",
     "//example//",
     {},
     {},
     "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5"},
    {"get-header-value-trim",
     "GET",
     "/",
     {},
     {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}},
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-header-value-multiline",
     "GET",
     "/",
     {},
     {{"My-Header1", "value1\n  value2\n     value3"}},
     "cfd34249e4b1c8d6b91ef74165d41a32e5fab3306300901bb65a51a73575eefd"},
    {"get-header-key-duplicate",
     "GET",
     "/",
     {},
     {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}},
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"get-header-value-order",
     "GET",
     "/",
     {},
     {{"My-Header1", "value4"},
      {"My-Header1", "value1"},
      {"My-Header1", "value3"},
      {"My-Header1", "value2"}},
     "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01"},
    {"post-vanilla",
     "POST",
     "/",
     {},
     {},
     "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
    {"post-header-key-sort",
     "POST",
     "/",
     {},
     {{"My-Header1", "value1"}},
     "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
    {"post-header-value-case",
     "POST",
     "/",
     {},
     {{"My-Header1", "VALUE1"}},
     "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d"},
    {"post-vanilla-query",
     "POST",
     "/",
     {{"Param1", "value1"}},
     {},
     "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11"},
    {"post-x-www-form-urlencoded",
     "POST",
     "/",
     {},
     {{"Content-Type", "application/x-www-form-urlencoded"}, {"Content-Length", "13"}},
     "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
     "Param1=value1"},
    {"post-x-www-form-urlencoded-parameters",
     "POST",
     "/",
     {},
     {{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
      {"Content-Length", "13"}},
     "328d1b9eaadca9f5818ef05e8392801e091653bafec24fcab71e7344e7f51422",
     "Param1=value1"},
};

TEST(SigV4, PublishedSuite) {
  for (const SuiteCase& c : kSuite) {
    EXPECT_EQ(Signature(RequestOf(c), kScope, kSecret), c.signature)
        << c.name << "\n"
        << CanonicalRequest(RequestOf(c));
  }
}

TEST(SigV4, CanonicalRequestsOfTheSuite) {
  const auto canonical = [](const std::string& name) {
    for (const SuiteCase& c : kSuite) {
      if (c.name == name) return CanonicalRequest(RequestOf(c));
    }
    return std::string("no such case");
  };
  EXPECT_EQ(canonical("get-header-value-trim"),
            "GET\n/\n\nhost:example.amazonaws.com\nmy-header1:value1\nmy-header2:\"a b c\"\n"
            "x-amz-date:20150830T123600Z\n\nhost;my-header1;my-header2;x-amz-date\n" +
                kEmptyHash);
  EXPECT_EQ(canonical("get-vanilla-query-order-encoded"),
            "GET\n/\n%E1%88%B4=Value1&Param=Value2&Param-3=Value3\nhost:example.amazonaws.com\n"
            "x-amz-date:20150830T123600Z\n\nhost;x-amz-date\n" +
                kEmptyHash);
  EXPECT_EQ(canonical("get-space-unnormalized"),
            "GET\n/example%20space/\n\nhost:example.amazonaws.com\nx-amz-date:20150830T123600Z\n\n"
            "host;x-amz-date\n" +
                kEmptyHash);
}

TEST(SigV4, ASessionTokenIsSigned) {
  SuiteCase c{"post-sts-header-before", "POST", "/"};
  c.headers = {
      {"X-Amz-Security-Token",
       "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMic"
       "RXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKs"
       "burEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0"
       "iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA=="}};
  EXPECT_EQ(Signature(RequestOf(c), kScope, kSecret),
            "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead");
}

// "Signature Calculations for the Authorization Header", S3's manual.
TEST(SigV4, ExamplesOfS3) {
  const SigningScope scope{1369353600, "us-east-1", "s3"};  // 20130524T000000Z
  const std::string secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  const auto sign = [&](const std::string& method, const std::string& path, NameValues query,
                        NameValues headers, const std::string& body) {
    headers.emplace_back("host", "examplebucket.s3.amazonaws.com");
    headers.emplace_back("x-amz-date", "20130524T000000Z");
    headers.emplace_back("x-amz-content-sha256", Sha256Hex(body));
    return Signature({method, path, query, headers, Sha256Hex(body)}, scope, secret);
  };
  EXPECT_EQ(sign("GET", "/test.txt", {}, {{"Range", "bytes=0-9"}}, ""),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  EXPECT_EQ(sign("PUT", "/test$file.text", {},
                 {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                  {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                 "Welcome to Amazon S3."),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
  EXPECT_EQ(sign("GET", "/", {{"lifecycle", ""}}, {}, ""),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  EXPECT_EQ(sign("GET", "/", {{"prefix", "J"}, {"max-keys", "2"}}, {}, ""),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(SigV4, TheWholeHeader) {
  EXPECT_EQ(Authorization(RequestOf(kSuite[0]), kScope, "AKIDEXAMPLE", kSecret),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, Signature=" +
                kSuite[0].signature);
}

}  // namespace
}  // namespace ocellus::store
