#include "coordinator/launch/kube_client.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "coordinator/base/log.h"
#include "coordinator/base/status_macros.h"
#include "worker/store/encoding.h"

namespace ocellus::coordinator {
namespace {

using Json = nlohmann::json;

constexpr int kPageItems = 500;
constexpr int kTries = 4;
constexpr absl::Duration kRetryAfterMax = absl::Seconds(30);
constexpr absl::Duration kWatchSlack = absl::Seconds(30);
constexpr char kApplyType[] = "application/apply-patch+yaml";

std::string Query(absl::string_view path, const std::string& label_selector) {
  return absl::StrCat(path, "?labelSelector=", store::PercentEncode(label_selector));
}

bool MayRetry(const KubeAnswer& answer) {
  return answer.status == 429 ||
         (answer.status == 503 && answer.retry_after > absl::ZeroDuration());
}

}  // namespace

void KubeClient::Cancel() {
  http_.Cancel();
  cancelled_.Close();
}

absl::StatusOr<KubeAnswer> KubeClient::Send(const KubeRequest& request) {
  for (int attempt = 1;; ++attempt) {
    OCELLUS_ASSIGN_OR_RETURN(KubeAnswer answer, http_.Send(request));
    if (answer.status == 401 && attempt == 1) {
      http_.credentials()->Refused();
      continue;
    }
    if (!MayRetry(answer) || attempt == kTries) {
      return answer;
    }
    const absl::Duration pause = std::clamp(answer.retry_after, absl::Seconds(1), kRetryAfterMax);
    Log(LogSeverity::kWarning, "kubernetes_busy",
        {{"status", answer.status}, {"retry_s", absl::ToDoubleSeconds(pause)}});
    cancelled_.Wait(0, pause);
    if (cancelled_.closed()) {
      return absl::CancelledError("the call was cancelled");
    }
  }
}

absl::StatusOr<Json> KubeClient::Call(KubeRequest request) {
  request.timeout = timeout_;
  OCELLUS_ASSIGN_OR_RETURN(const KubeAnswer answer, Send(request));
  if (answer.status < 200 || answer.status > 299) {
    return KubeError(answer);
  }
  return ParseKubeObject(answer.body);
}

absl::StatusOr<Json> KubeClient::Get(const std::string& path) { return Call({.path = path}); }

absl::StatusOr<Json> KubeClient::Page(const std::string& path, const std::string& label_selector,
                                      const std::string& next) {
  return Call({.path = absl::StrCat(
                   Query(path, label_selector), "&limit=", kPageItems,
                   next.empty() ? "" : absl::StrCat("&continue=", store::PercentEncode(next)))});
}

absl::StatusOr<KubeList> KubeClient::List(const std::string& path,
                                          const std::string& label_selector) {
  KubeList list;
  std::string next;
  do {
    OCELLUS_ASSIGN_OR_RETURN(Json page, Page(path, label_selector, next));
    if (!page.contains("items") || !page["items"].is_array()) {
      return absl::UnavailableError("the API server's list has no items");
    }
    for (Json& item : page["items"]) {
      list.items.push_back(std::move(item));
    }
    next = KubeText(page, {"metadata", "continue"});
    list.resource_version = KubeText(page, {"metadata", "resourceVersion"});
  } while (!next.empty());
  return list;
}

absl::StatusOr<Json> KubeClient::Create(const std::string& path, const Json& object) {
  return Call({.method = "POST",
               .path = absl::StrCat(path, "?fieldManager=", kFieldManager),
               .body = object.dump(-1, ' ', false, Json::error_handler_t::replace)});
}

absl::Status KubeClient::Delete(const std::string& path, const std::string& uid) {
  const Json options = {
      {"apiVersion", "v1"}, {"kind", "DeleteOptions"}, {"preconditions", {{"uid", uid}}}};
  const absl::Status status =
      Call({.method = "DELETE", .path = path, .body = options.dump()}).status();
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

absl::StatusOr<Json> KubeClient::Apply(const std::string& path, const Json& object) {
  return Call({.method = "PATCH",
               .path = absl::StrCat(path, "?fieldManager=", kFieldManager, "&force=true"),
               .body = object.dump(-1, ' ', false, Json::error_handler_t::replace),
               .content_type = kApplyType});
}

absl::StatusOr<Json> KubeClient::Replace(const std::string& path, const Json& object) {
  return Call({.method = "PUT",
               .path = absl::StrCat(path, "?fieldManager=", kFieldManager),
               .body = object.dump(-1, ' ', false, Json::error_handler_t::replace)});
}

WatchEnd KubeClient::Watch(const std::string& path, const std::string& label_selector,
                           const std::string& resource_version, absl::Duration timeout,
                           const std::function<void(const WatchEvent&)>& take) {
  absl::Status bad;
  KubeRequest request;
  request.path = absl::StrCat(Query(path, label_selector), "&watch=true&allowWatchBookmarks=true",
                              "&resourceVersion=", store::PercentEncode(resource_version),
                              "&timeoutSeconds=", absl::ToInt64Seconds(timeout));
  request.timeout = timeout + kWatchSlack;
  request.line = [&](absl::string_view line) {
    const auto event = ParseWatchEvent(line);
    bad = event.status();
    if (event.ok()) {
      take(*event);
    }
    return bad.ok();
  };
  const auto answer = Send(request);
  if (!bad.ok()) {
    return {bad, /*by_event=*/true};
  }
  if (!answer.ok() || answer->status == 200) {
    return {answer.status(), false};
  }
  return {KubeError(*answer), false};
}

}  // namespace ocellus::coordinator
