#include "worker/store/s3_client.h"

#include <algorithm>
#include <utility>

#include "worker/store/crc32c.h"
#include "worker/store/encoding.h"
#include "worker/store/sha256.h"
#include "worker/store/sigv4.h"

namespace ocellus::store {
namespace {

constexpr char kUnsigned[] = "UNSIGNED-PAYLOAD";
constexpr std::chrono::seconds kRetryAfterMax{30};
constexpr size_t kSignedBytesMax = 64 << 10;

std::string PayloadHash(const S3Address& address, std::span<const std::byte> body) {
  const bool cheap = body.size() <= kSignedBytesMax;
  if (address.scheme == "https" || !(cheap || address.sign_payload)) return kUnsigned;
  Sha256 hash;
  hash.Update(body);
  return hash.FinishHex();
}

bool IsSuccess(const S3Request& request, const HttpResponse& answer) {
  if (answer.transport == Transport::kTooLong) return request.body_bytes_max > 0;
  if (answer.transport != Transport::kDone) return false;
  if (std::count(request.expected.begin(), request.expected.end(), answer.status) > 0) return true;
  if (answer.status / 100 != 2) return false;
  return !request.fails_with_200 || answer.body.find("<Error>") == std::string::npos;
}

std::chrono::milliseconds RetryAfter(const HttpResponse& answer) {
  const std::chrono::seconds wish(std::atoi(answer.Header("retry-after").c_str()));
  return std::clamp(wish, std::chrono::seconds(0), kRetryAfterMax);
}

}  // namespace

const Clock* S3Client::DefaultClock() {
  static const Clock clock;
  return &clock;
}

S3Client::S3Client(S3Address address, const Environment& environment, const Profile& profile,
                   const Clock* clock)
    : address_(std::move(address)),
      clock_(clock),
      http_({.ca_file = environment("AWS_CA_BUNDLE")}),
      credentials_(UsualSources(environment, profile, address_.region, &http_, clock), clock),
      random_(std::random_device()()) {}

std::string S3Client::RandomName() {
  const std::lock_guard lock(mutex_);
  std::string name;
  for (int i = 0; i < 2; ++i) {
    const uint64_t word = random_();
    name += Hex(std::span(reinterpret_cast<const uint8_t*>(&word), sizeof(word)));
  }
  return name;
}

HttpResponse S3Client::Attempt(const S3Request& request, const Credentials& credentials,
                               const std::string& payload_hash, Clock::Time deadline) {
  const time_t now = clock_->WallTime() + clock_ahead_s_;
  const std::string object = request.key.empty() ? "" : address_.prefix + request.key;
  SigningRequest signing{request.method, address_.PathOf(object), request.query, request.headers,
                         payload_hash};
  signing.headers.emplace_back("Host", address_.HostHeader());
  signing.headers.emplace_back("x-amz-content-sha256", payload_hash);
  signing.headers.emplace_back("x-amz-date", BasicTime(now));
  if (!credentials.session_token.empty()) {
    signing.headers.emplace_back("x-amz-security-token", credentials.session_token);
  }
  HttpRequest http{.method = request.method,
                   .headers = signing.headers,
                   .body = request.body,
                   .into = request.into,
                   .into_status = request.into.empty() ? 0 : 206};
  http.headers.emplace_back("Authorization",
                            Authorization(signing, {now, address_.region}, credentials.access_key,
                                          credentials.secret_key));
  if (request.body_bytes_max > 0) http.text_bytes_max = request.body_bytes_max;
  const std::string query = CanonicalQuery(request.query);
  http.url = address_.scheme + "://" + address_.HostHeader() +
             PercentEncode(signing.path, /*keep_slash=*/true) + (query.empty() ? "" : "?" + query);
  return http_.Send(http, deadline);
}

bool S3Client::Remedied(const S3Error& error, const HttpResponse& answer, const Credentials& used,
                        Backoff* backoff, int* remedies) {
  switch (RemedyFor(error)) {
    case Remedy::kNone:
      return false;
    case Remedy::kRetry:
      return backoff->Wait(RetryAfter(answer));
    case Remedy::kTwice:
      return (*remedies)++ < 2 && backoff->Wait();
    case Remedy::kCredentials:
      credentials_.Forget(used);
      return (*remedies)++ == 0;
    case Remedy::kClock:
      if (const auto server = ParseTime(answer.Header("date"))) {
        clock_ahead_s_ = *server - clock_->WallTime();
      }
      return (*remedies)++ == 0;
  }
  return false;
}

HttpResponse S3Client::Call(const S3Request& request) {
  S3Request full = request;
  const bool has_body = request.method == "PUT" || request.method == "POST";
  const std::string payload_hash = PayloadHash(address_, request.body);
  const bool has_sum =
      std::any_of(full.headers.begin(), full.headers.end(),
                  [](const auto& header) { return header.first == "x-amz-checksum-crc32c"; });
  if (has_body && !has_sum && !request.body.empty()) {
    full.headers.emplace_back("x-amz-checksum-crc32c", Crc32cText(Crc32c(request.body)));
  }
  uint64_t seed;
  {
    const std::lock_guard lock(mutex_);
    seed = random_();
  }
  Backoff backoff(address_.retry, clock_, seed);
  for (int remedies = 0;;) {
    const Credentials credentials = credentials_.Get();
    HttpResponse answer = Attempt(full, credentials, payload_hash, backoff.deadline());
    if (IsSuccess(full, answer)) return answer;
    const S3Error error = ErrorOf(answer);
    if (!Remedied(error, answer, credentials, &backoff, &remedies)) {
      ThrowS3(address_, request.action, request.key, error, backoff.attempts());
    }
  }
}

}  // namespace ocellus::store
