#include "coordinator/launch/kube_http.h"

#include <curl/curl.h>

#include <mutex>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "coordinator/base/protocol.h"
#include "coordinator/base/status_macros.h"

namespace ocellus::coordinator {
namespace {

constexpr long kConnectMs = 5'000;
constexpr long kKeepAliveS = 20;
constexpr int kPollMs = 1'000;

// What the callbacks of one call work on.
struct Receipt {
  CURL* easy = nullptr;
  const KubeRequest* request = nullptr;
  KubeAnswer answer;
  std::string partial;   // of a line
  bool refused = false;  // by the caller's line()
  bool too_long = false;
};

bool TakeLines(Receipt* receipt, absl::string_view bytes) {
  receipt->partial.append(bytes.data(), bytes.size());
  size_t begin = 0;
  for (size_t end; (end = receipt->partial.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    const absl::string_view line = absl::string_view(receipt->partial).substr(begin, end - begin);
    if (!line.empty() && !receipt->request->line(line)) {
      receipt->refused = true;
      return false;
    }
  }
  receipt->partial.erase(0, begin);
  receipt->too_long = receipt->partial.size() > kKubeLineBytesMax;
  return !receipt->too_long;
}

size_t OnBody(char* bytes, size_t, size_t count, void* data) {
  auto* receipt = static_cast<Receipt*>(data);
  long status = 0;
  curl_easy_getinfo(receipt->easy, CURLINFO_RESPONSE_CODE, &status);
  if (receipt->request->line && status == 200) {
    return TakeLines(receipt, {bytes, count}) ? count : 0;
  }
  receipt->answer.body.append(bytes, count);
  receipt->too_long = receipt->answer.body.size() > kKubeBodyBytesMax;
  return receipt->too_long ? 0 : count;
}

size_t OnHeader(char* bytes, size_t, size_t count, void* data) {
  absl::string_view line(bytes, count);
  constexpr absl::string_view kName = "retry-after:";
  int64_t seconds = 0;
  if (absl::StartsWithIgnoreCase(line, kName) &&
      absl::SimpleAtoi(absl::StripAsciiWhitespace(line.substr(kName.size())), &seconds) &&
      seconds >= 0) {
    static_cast<Receipt*>(data)->answer.retry_after = absl::Seconds(seconds);
  }
  return count;
}

void SetPem(CURL* easy, CURLoption option, const std::string& pem) {
  curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_COPY};
  curl_easy_setopt(easy, option, pem.empty() ? nullptr : &blob);
}

void SetSecrets(CURL* easy, const KubeSecrets& secrets) {
  SetPem(easy, CURLOPT_CAINFO_BLOB, secrets.authorities);
  SetPem(easy, CURLOPT_SSLCERT_BLOB, secrets.certificate);
  SetPem(easy, CURLOPT_SSLKEY_BLOB, secrets.key);
  curl_easy_setopt(easy, CURLOPT_SSLCERTTYPE, "PEM");
  curl_easy_setopt(easy, CURLOPT_SSLKEYTYPE, "PEM");
}

void SetRequest(CURL* easy, const KubeRequest& request) {
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  if (!request.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
  }
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
                   static_cast<long>(absl::ToInt64Milliseconds(request.timeout)));
}

void SetConnection(CURL* easy) {
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, kKeepAliveS);
  curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, kKeepAliveS);
}

curl_slist* MakeHeaders(const KubeRequest& request, const KubeSecrets& secrets) {
  curl_slist* headers = curl_slist_append(nullptr, "Accept: application/json");
  headers = curl_slist_append(headers,
                              absl::StrCat("User-Agent: ocellus-coordinator/", kVersion).c_str());
  if (!request.body.empty()) {
    headers =
        curl_slist_append(headers, absl::StrCat("Content-Type: ", request.content_type).c_str());
  }
  if (!secrets.token.empty()) {
    headers =
        curl_slist_append(headers, absl::StrCat("Authorization: Bearer ", secrets.token).c_str());
  }
  return headers;
}

}  // namespace

struct KubeHttp::Curl {
  Curl() {
    static std::once_flag once;
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    easy = curl_easy_init();
    multi = curl_multi_init();
  }
  ~Curl() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
  CURL* easy;
  CURLM* multi;
};

KubeHttp::KubeHttp(KubeCredentials* credentials)
    : credentials_(credentials), curl_(std::make_unique<Curl>()) {}

KubeHttp::~KubeHttp() = default;

void KubeHttp::Cancel() {
  cancelled_ = true;
  curl_multi_wakeup(curl_->multi);
}

absl::Status KubeHttp::Run() {
  curl_multi_add_handle(curl_->multi, curl_->easy);
  int running = 1;
  while (running > 0 && !cancelled_) {
    curl_multi_perform(curl_->multi, &running);
    if (running > 0) {
      curl_multi_poll(curl_->multi, nullptr, 0, kPollMs, nullptr);
    }
  }
  CURLcode code = CURLE_ABORTED_BY_CALLBACK;
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(curl_->multi, &left)) {
    code = message->msg == CURLMSG_DONE ? message->data.result : code;
  }
  curl_multi_remove_handle(curl_->multi, curl_->easy);
  if (running > 0) {
    return absl::CancelledError("the call was cancelled");
  }
  // Without the URL: what curl itself says has no secret in it.
  return code == CURLE_OK ? absl::OkStatus() : absl::UnavailableError(curl_easy_strerror(code));
}

absl::StatusOr<KubeAnswer> KubeHttp::Send(const KubeRequest& request) {
  OCELLUS_ASSIGN_OR_RETURN(const KubeSecrets secrets, credentials_->Current());
  CURL* easy = curl_->easy;
  curl_easy_reset(easy);
  Receipt receipt;
  receipt.easy = easy;
  receipt.request = &request;
  const std::string url = credentials_->config().server + request.path;
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  SetConnection(easy);
  SetSecrets(easy, secrets);
  SetRequest(easy, request);
  curl_slist* headers = MakeHeaders(request, secrets);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &receipt);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &receipt);
  const absl::Status status = Run();
  long code = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &code);
  curl_slist_free_all(headers);
  receipt.answer.status = static_cast<int>(code);
  if (receipt.refused) {
    return absl::CancelledError("the reader has had enough");
  }
  if (receipt.too_long) {
    return absl::ResourceExhaustedError("the API server's answer is longer than the limit");
  }
  OCELLUS_RETURN_IF_ERROR(status);
  return std::move(receipt.answer);
}

}  // namespace ocellus::coordinator
