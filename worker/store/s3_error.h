// What an answer of S3 that is no success means: try again, or a wire::Fault that says what to do.
//
// Outcomes (class storage): OBJECT_MISSING, STORE_MISSING (no such bucket), STORE_DENIED (keys,
// signature, policy, clock), OBJECT_CHANGED (overwritten since), STORE_CONFLICT (a precondition
// that nobody asked about), STORE_FULL (quota), STORE_UNAVAILABLE (unreachable, throttled or
// failing after all attempts), STORE_TIMEOUT (the deadline passed), OBJECT_DAMAGED (bytes and
// checksum differ), STORE_ERROR (the rest).
#pragma once

#include <string>

#include "worker/store/http.h"
#include "worker/store/s3_address.h"

namespace ocellus::store {

struct S3Error {
  Transport transport = Transport::kDone;
  int status = 0;
  std::string code;     // "NoSuchKey"; made from the status when there is no body
  std::string message;  // of the server, or the transport's trouble; one line
  std::string region;   // that the server says is right; "" when it does not
};

// REQUIRES: the answer is no success.
S3Error ErrorOf(const HttpResponse& answer);

enum class Remedy {
  kNone,         // it will not get better
  kRetry,        // after a pause
  kTwice,        // after a pause, and once more
  kCredentials,  // fetch new ones, once
  kClock,        // take the server's time, once
};
Remedy RemedyFor(const S3Error& error);

// `action`: "reading", "writing" ...; `key` may be "". `attempts` were made.
[[noreturn]] void ThrowS3(const S3Address& address, const std::string& action,
                          const std::string& key, const S3Error& error, int attempts);

// OBJECT_MISSING.
[[noreturn]] void ThrowMissing(const std::string& uri, const std::string& key);

// OBJECT_CHANGED: it is no longer of the version that was asked for.
[[noreturn]] void ThrowChanged(const std::string& uri, const std::string& key);

// OBJECT_DAMAGED, with `why`.
[[noreturn]] void ThrowDamaged(const std::string& uri, const std::string& key,
                               const std::string& why);

}  // namespace ocellus::store
