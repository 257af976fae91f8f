#include "worker/store/s3_error.h"

#include <algorithm>
#include <array>

#include "worker/store/encoding.h"
#include "worker/store/xml.h"
#include "worker/wire/fault.h"

namespace ocellus::store {
namespace {

struct Meaning {
  const char* code;
  const char* outcome;
  const char* hint;
};

constexpr char kKeysHint[] =
    "look at AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile: the server knows others";
constexpr char kPolicyHint[] =
    "let these credentials do it in the bucket's policy; `ocellus storage check URI` tries all "
    "that "
    "a job needs";
constexpr char kClockHint[] =
    "set this machine's clock (timedatectl), it differs from the server's";
constexpr char kTokenHint[] = "renew the session token (AWS_SESSION_TOKEN), or use a role";
constexpr char kBucketHint[] = "make the bucket, or look at its name, the region and the endpoint";
constexpr char kMissingHint[] = "see what is there with `ocellus checkpoint list`";
constexpr char kLaterHint[] = "the storage is overloaded or down; it will be tried again";

constexpr std::array kMeanings = {
    Meaning{"NoSuchKey", "OBJECT_MISSING", kMissingHint},
    Meaning{"NoSuchBucket", "STORE_MISSING", kBucketHint},
    Meaning{"InvalidAccessKeyId", "STORE_DENIED", kKeysHint},
    Meaning{"SignatureDoesNotMatch", "STORE_DENIED", kKeysHint},
    Meaning{"RequestTimeTooSkewed", "STORE_DENIED", kClockHint},
    Meaning{"ExpiredToken", "STORE_DENIED", kTokenHint},
    Meaning{"InvalidToken", "STORE_DENIED", kTokenHint},
    Meaning{"AccessDenied", "STORE_DENIED", kPolicyHint},
    Meaning{"Forbidden", "STORE_DENIED", kPolicyHint},
    Meaning{"Unauthorized", "STORE_DENIED", kKeysHint},
    Meaning{"AuthorizationHeaderMalformed", "STORE_DENIED", "look at the region and the keys"},
    Meaning{"PreconditionFailed", "STORE_CONFLICT", "someone else changed the object; look again"},
    Meaning{"QuotaExceeded", "STORE_FULL", "free space in the bucket or raise its quota"},
    Meaning{"XMinioStorageFull", "STORE_FULL", "free space on the storage server"},
    Meaning{"InsufficientStorage", "STORE_FULL", "free space on the storage server"},
    Meaning{"BadDigest", "OBJECT_DAMAGED", "the network changes bytes: look at proxies and cables"},
    Meaning{"XAmzContentSHA256Mismatch", "OBJECT_DAMAGED",
            "the network changes bytes: look at proxies and cables"},
    Meaning{"SlowDown", "STORE_UNAVAILABLE", kLaterHint},
    Meaning{"InternalError", "STORE_UNAVAILABLE", kLaterHint},
};

// The last is versitygw's, while someone else removes the folder that a key needs.
constexpr std::array kAgain = {"RequestTimeout",
                               "BadDigest",
                               "XAmzContentSHA256Mismatch",
                               "SlowDown",
                               "InternalError",
                               "ServiceUnavailable",
                               "IncompleteBody",
                               "OperationAborted",
                               "ConditionalRequestConflict",
                               "RequestThrottled",
                               "ThrottlingException",
                               "Throttling",
                               "ExistingObjectIsDirectory"};

std::string CodeOf(int status) {
  switch (status) {
    case 301:
    case 307:
      return "PermanentRedirect";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "NotFound";
    case 412:
      return "PreconditionFailed";
    case 429:
      return "SlowDown";
    case 507:
      return "InsufficientStorage";
    default:
      return "HTTP" + std::to_string(status);
  }
}

std::string OutcomeOf(const S3Error& error, std::string* hint) {
  switch (error.transport) {
    case Transport::kUnreachable:
      *hint = "is the endpoint right, and does the storage run?";
      return "STORE_UNAVAILABLE";
    case Transport::kTls:
      *hint = "look at the endpoint's certificate; AWS_CA_BUNDLE names a CA file of one's own";
      return "STORE_UNAVAILABLE";
    case Transport::kTimedOut:
      *hint = "the storage is slow or away; timeout_s in the store's URI gives it longer";
      return "STORE_TIMEOUT";
    case Transport::kBroken:
      *hint = kLaterHint;
      return "STORE_UNAVAILABLE";
    case Transport::kTooLong:
      *hint = "is this an S3 server?";
      return "STORE_ERROR";
    case Transport::kDone:
      break;
  }
  if (!error.region.empty()) {
    *hint = "the bucket is in " + error.region + ": set region=" + error.region +
            " in the store's URI, or AWS_REGION";
    return "STORE_DENIED";
  }
  for (const Meaning& meaning : kMeanings) {
    if (error.code == meaning.code) {
      *hint = meaning.hint;
      return meaning.outcome;
    }
  }
  *hint = error.status >= 500 ? kLaterHint : "look at the store's URI, and at the server's log";
  return error.status >= 500   ? "STORE_UNAVAILABLE"
         : error.status == 403 ? "STORE_DENIED"
                               : "STORE_ERROR";
}

}  // namespace

S3Error ErrorOf(const HttpResponse& answer) {
  S3Error error{answer.transport, answer.status};
  if (answer.transport != Transport::kDone) {
    error.code = "no answer";
    error.message = OneLine(answer.trouble);
    return error;
  }
  if (const auto xml = ParseXml(answer.body); xml && xml->name == "Error") {
    error.code = OneLine(xml->TextOf("Code"), 80);
    error.message = OneLine(xml->TextOf("Message"));
    error.region = OneLine(xml->TextOf("Region"), 40);
  }
  const bool elsewhere = answer.status == 301 || answer.status == 307;
  const bool of_region = elsewhere || error.code == "AuthorizationHeaderMalformed";
  if (!of_region) error.region.clear();
  if (elsewhere) error.region = OneLine(answer.Header("x-amz-bucket-region"), 40);
  if (error.code.empty()) error.code = CodeOf(answer.status);
  return error;
}

Remedy RemedyFor(const S3Error& error) {
  switch (error.transport) {
    case Transport::kTls:
    case Transport::kTooLong:
      return Remedy::kNone;
    case Transport::kUnreachable:
    case Transport::kTimedOut:
    case Transport::kBroken:
      return Remedy::kRetry;
    case Transport::kDone:
      break;
  }
  if (error.code == "RequestTimeTooSkewed") return Remedy::kClock;
  // minio says so, too, while someone else removes the folder that a key needs; and a policy may
  // have been given a moment ago.
  if (error.code == "AccessDenied") return Remedy::kTwice;
  if (error.code == "ExpiredToken" || error.code == "InvalidToken" || error.status == 401) {
    return Remedy::kCredentials;
  }
  const bool again = std::find(kAgain.begin(), kAgain.end(), error.code) != kAgain.end();
  const bool of_server = error.status >= 500 && error.status != 501 && error.status != 507;
  const bool busy = error.status == 408 || error.status == 429;
  return again || of_server || busy ? Remedy::kRetry : Remedy::kNone;
}

void ThrowS3(const S3Address& address, const std::string& action, const std::string& key,
             const S3Error& error, int attempts) {
  std::string hint;
  const std::string outcome = OutcomeOf(error, &hint);
  std::string text = "store " + address.uri + ": " + action + (key.empty() ? "" : " " + key) +
                     ": " + error.code + (error.message.empty() ? "" : ": " + error.message);
  if (error.status != 0) text += " (HTTP " + std::to_string(error.status) + ")";
  if (attempts > 1) text += ", after " + std::to_string(attempts) + " attempts";
  throw wire::Fault(wire::FaultClass::kStorage, outcome, text, hint);
}

void ThrowMissing(const std::string& uri, const std::string& key) {
  throw wire::Fault(wire::FaultClass::kStorage, "OBJECT_MISSING",
                    "store " + uri + ": " + key + " does not exist", kMissingHint);
}

void ThrowChanged(const std::string& uri, const std::string& key) {
  throw wire::Fault(wire::FaultClass::kStorage, "OBJECT_CHANGED",
                    "store " + uri + ": " + key + " was overwritten meanwhile",
                    "begin anew with what is there now");
}

void ThrowDamaged(const std::string& uri, const std::string& key, const std::string& why) {
  throw wire::Fault(wire::FaultClass::kStorage, "OBJECT_DAMAGED",
                    "store " + uri + ": " + key + " is damaged: " + why,
                    "write it anew; a checkpoint before it may be sound");
}

}  // namespace ocellus::store
