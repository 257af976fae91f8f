// One S3 operation: signed, sent, tried again as long as that helps, its answer judged.
//
// Every body is guarded on its way in by a signed x-amz-checksum-crc32c, which the server compares.
// Over plain HTTP the SHA-256 of a body up to 64 KiB (manifests, conditional writes, lists of keys)
// is signed besides; that of larger ones costs more than sending them and needs sign_payload=true.
// Thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "worker/store/credentials.h"
#include "worker/store/http.h"
#include "worker/store/retry.h"
#include "worker/store/s3_address.h"
#include "worker/store/s3_error.h"

namespace ocellus::store {

struct S3Request {
  std::string action;  // "reading", for messages
  std::string method;
  std::string key;  // as the caller of the store says it; "" for the bucket
  NameValues query = {};
  NameValues headers = {};
  std::span<const std::byte> body = {};  // of PUT and POST; not owned
  std::span<std::byte> into = {};        // of a 206; not owned
  std::vector<int> expected = {};        // statuses that are an answer, no error
  size_t body_bytes_max =
      0;  // of the answer; a longer one is an answer too, kTooLong. 0: as HttpRequest, and an error
  bool fails_with_200 = false;  // the answer may be 200 with an <Error> (S3's multipart)
};

class S3Client {
 public:
  // `environment` is read for the CA file and by the sources of credentials. `clock` is not owned.
  S3Client(S3Address address, const Environment& environment, const Profile& profile,
           const Clock* clock = DefaultClock());

  // A success or an expected status; wire::Fault (s3_error.h) otherwise. A request may have been
  // carried out more than once: by a retry, here or within libcurl, after an answer was lost.
  HttpResponse Call(const S3Request& request);

  const S3Address& address() const { return address_; }
  // 32 random hexadecimal digits.
  std::string RandomName();

  static const Clock* DefaultClock();

 private:
  HttpResponse Attempt(const S3Request& request, const Credentials& credentials,
                       const std::string& payload_hash, Clock::Time deadline);
  // Whether another attempt is worth it; does what it needs before. `remedies`: how many of those
  // that are tried a fixed number of times the request has had.
  bool Remedied(const S3Error& error, const HttpResponse& answer, const Credentials& used,
                Backoff* backoff, int* remedies);

  const S3Address address_;
  const Clock* clock_;
  HttpPool http_;
  CredentialChain credentials_;
  std::atomic<int64_t> clock_ahead_s_{0};  // of the server before this machine
  std::mutex mutex_;
  std::mt19937_64 random_;  // guarded by mutex_
};

}  // namespace ocellus::store
