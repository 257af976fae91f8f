// Where an S3 store is:
// s3://bucket/prefix?endpoint=http://host:9000&region=us-east-1&path_style=true
//
// What the URI leaves out comes from the environment and the profile: AWS_ENDPOINT_URL_S3 or
// AWS_ENDPOINT_URL or endpoint_url, AWS_REGION or AWS_DEFAULT_REGION or region; else AWS itself in
// us-east-1. An endpoint of one's own means path style (http://host/bucket/key), AWS itself means
// bucket.s3.region.amazonaws.com, unless the bucket has a dot. Other settings: timeout_s (of one
// operation with all its retries, 120), attempts (10), parallel (connections of one large object,
// 4), part_mib (8), sign_payload (false). Credentials never stand in a URI: user:password@ and
// *key* settings are refused.
#pragma once

#include <cstddef>
#include <string>

#include "worker/store/aws_profile.h"
#include "worker/store/retry.h"

namespace ocellus::store {

struct S3Address {
  std::string uri;  // as given, without a '/' at the end of the prefix
  std::string bucket;
  std::string prefix;  // "" or "a/b/"
  std::string region;
  std::string scheme;  // "http" or "https"
  std::string host;    // with a port that is not the scheme's own
  bool path_style = false;
  RetryPolicy retry;
  size_t parallel = 4;
  size_t part_bytes = 8 << 20;
  bool sign_payload = false;  // also the SHA-256 of large bodies, over plain HTTP

  // The Host header of requests to the bucket.
  std::string HostHeader() const { return path_style ? host : bucket + "." + host; }
  // The decoded path of the object with this key; of the bucket itself when it is "". The store's
  // prefix is not added.
  std::string PathOf(const std::string& object) const;
};

// wire::Fault (user, BAD_STORE) says what is wrong with the URI, and how it should be.
S3Address ParseS3Uri(const std::string& uri, const Environment& environment,
                     const Profile& profile);

}  // namespace ocellus::store
