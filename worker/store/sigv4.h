// AWS Signature Version 4 in the Authorization header.
//
//   SigningRequest request{"GET", "/bucket/a key", {{"list-type", "2"}}, {{"host", "..."}}, hash};
//   headers["Authorization"] = Authorization(request, scope, keys);
//
// As S3 wants it: the path is percent-encoded once and not normalised. Checked against the
// published test suite (aws-sig-v4-test-suite, unnormalised cases) and the examples of S3's manual.
#pragma once

#include <ctime>
#include <string>
#include <utility>
#include <vector>

namespace ocellus::store {

using NameValues = std::vector<std::pair<std::string, std::string>>;

struct SigningRequest {
  std::string method;
  std::string path;    // decoded; begins with '/'
  NameValues query;    // decoded, in any order
  NameValues headers;  // all of them are signed; any order and case of names. Must have host and
                       // x-amz-date, and x-amz-security-token with temporary credentials
  std::string payload_hash;  // hexadecimal SHA-256 of the body, or UNSIGNED-PAYLOAD
};

struct SigningScope {
  time_t at = 0;  // must be the time of x-amz-date
  std::string region;
  std::string service = "s3";
};

// "method\npath\nquery\nheaders\n\nsigned names\nhash".
std::string CanonicalRequest(const SigningRequest& request);
// "AWS4-HMAC-SHA256\ntime\nscope\nhash of the canonical request".
std::string StringToSign(const SigningRequest& request, const SigningScope& scope);
// 64 hexadecimal digits.
std::string Signature(const SigningRequest& request, const SigningScope& scope,
                      const std::string& secret_key);
// The whole value of the header.
std::string Authorization(const SigningRequest& request, const SigningScope& scope,
                          const std::string& access_key, const std::string& secret_key);

// "a=1&b=x%20y", in the order that is signed; "a=" for an empty value.
std::string CanonicalQuery(const NameValues& query);

}  // namespace ocellus::store
