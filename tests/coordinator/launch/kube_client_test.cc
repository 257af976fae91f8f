// What the client makes of the answers that API servers give, and of those they should not give.
#include "coordinator/launch/kube_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "coordinator/base/simulated_clock.h"
#include "coordinator/launch/lease.h"
#include "tests/coordinator/launch/scripted_api.h"
#include "tests/support/temp_folder.h"

namespace ocellus::coordinator {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

// As kube-apiserver 1.36 says it.
constexpr char kGone[] = R"json({"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",
"message":"too old resource version: 5 (812)",
               "reason" : "Expired", "code" : 410
})json";
constexpr char kConflict[] = R"({"kind":"Status","status":"Failure","reason":"Conflict",
"message":"the object has been modified","code":409})";
constexpr char kExists[] = R"({"kind":"Status","status":"Failure","reason":"AlreadyExists",
"message":"pods \"x\" already exists","code":409})";

std::string OneLine(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '\n'), text.end());
  return text;
}

class KubeClientTest : public testing::Test {
 protected:
  KubeClientTest() {
    KubeConfig config;
    config.server = api_.url();
    config.name_space = "train";
    config.token.file = folder_.Write("token", "first\n");
    credentials_ = std::make_unique<KubeCredentials>(config, &clock_);
    client_ = std::make_unique<KubeClient>(credentials_.get());
  }

  WatchEnd Watch() {
    return client_->Watch("/pods", "a=b", "5", absl::Seconds(10),
                          [this](const WatchEvent& event) { events_.push_back(event); });
  }

  TempFolder folder_;
  SimulatedClock clock_;
  ScriptedApi api_;
  std::unique_ptr<KubeCredentials> credentials_;
  std::unique_ptr<KubeClient> client_;
  std::vector<WatchEvent> events_;
};

TEST_F(KubeClientTest, ListsPageByPage) {
  api_.Say(200,
           R"({"metadata": {"continue": "abc/=", "resourceVersion": "7"}, "items": [{"n": 1}]})");
  api_.Say(200, R"({"metadata": {"resourceVersion": "7"}, "items": [{"n": 2}]})");
  const auto list = client_->List("/pods", "x=y");
  ASSERT_TRUE(list.ok()) << list.status();
  EXPECT_THAT(list->items, SizeIs(2));
  EXPECT_EQ(list->resource_version, "7");
  EXPECT_THAT(api_.Asked(), ElementsAre(HasSubstr("GET /pods?labelSelector=x%3Dy&limit=500 "),
                                        HasSubstr("&continue=abc%2F%3D ")));
  EXPECT_THAT(api_.Asked()[0], HasSubstr("Authorization: Bearer first\r\n"));
}

TEST_F(KubeClientTest, ErrorsAreStatuses) {
  const std::vector<std::pair<int, absl::StatusCode>> codes = {
      {400, absl::StatusCode::kInvalidArgument}, {403, absl::StatusCode::kPermissionDenied},
      {404, absl::StatusCode::kNotFound},        {410, absl::StatusCode::kOutOfRange},
      {422, absl::StatusCode::kInvalidArgument}, {500, absl::StatusCode::kUnavailable},
      {503, absl::StatusCode::kUnavailable},     {301, absl::StatusCode::kUnavailable}};
  for (const auto& [code, expected] : codes) {
    api_.Say(code, R"({"reason": "Why", "message": "because"})");
    const auto answer = client_->Get("/x");
    EXPECT_EQ(answer.status().code(), expected) << code;
    EXPECT_THAT(std::string(answer.status().message()), HasSubstr("Why: because"));
  }
  api_.Say(409, kExists);
  EXPECT_TRUE(absl::IsAlreadyExists(client_->Create("/x", Json::object()).status()));
  api_.Say(409, kConflict);
  EXPECT_TRUE(absl::IsAborted(client_->Replace("/x", Json::object()).status()));
  api_.Say(200, "half of {");
  EXPECT_TRUE(absl::IsUnavailable(client_->Get("/x").status()));
  api_.Break("{");
  EXPECT_TRUE(absl::IsUnavailable(client_->Get("/x").status()));
}

TEST_F(KubeClientTest, DeletesOnlyTheObjectMeant) {
  api_.Say(200, "{}");
  EXPECT_TRUE(client_->Delete("/pods/x", "uid-7").ok());
  EXPECT_THAT(api_.Asked()[0], HasSubstr(R"("preconditions":{"uid":"uid-7"})"));
  api_.Say(404, "{}");
  EXPECT_TRUE(client_->Delete("/pods/x", "uid-7").ok());
  api_.Say(409, kConflict);
  EXPECT_TRUE(absl::IsAborted(client_->Delete("/pods/x", "uid-7")));
}

TEST_F(KubeClientTest, A401IsMetWithCredentialsReadAfresh) {
  api_.Say(200, "{}");
  EXPECT_TRUE(client_->Get("/x").ok());
  folder_.Write("token", "second");
  api_.Say(401, "{}");
  api_.Say(200, "{}");
  EXPECT_TRUE(client_->Get("/x").ok());
  EXPECT_THAT(api_.Asked()[2], HasSubstr("Bearer second\r\n"));
  api_.Say(401, "{}");
  api_.Say(401, "{}");
  EXPECT_TRUE(absl::IsUnauthenticated(client_->Get("/x").status()));
  EXPECT_THAT(api_.Asked(), SizeIs(5));
}

TEST_F(KubeClientTest, ATokenIsReadAgainEveryMinute) {
  for (const char* token : {"second", "third"}) {
    folder_.Write("token", token);
    clock_.Advance(kCredentialsAge);
    api_.Say(200, "{}");
    EXPECT_TRUE(client_->Get("/x").ok());
    EXPECT_THAT(api_.Asked().back(), HasSubstr(token));
  }
  // A moment without the file, as when it is replaced, is no loss.
  std::filesystem::remove(folder_ / "token");
  clock_.Advance(kCredentialsAge);
  api_.Say(200, "{}");
  EXPECT_TRUE(client_->Get("/x").ok());
  EXPECT_THAT(api_.Asked().back(), HasSubstr("third"));
}

TEST_F(KubeClientTest, WaitsAsLongAsA429Says) {
  api_.Say(429, "{}", "Retry-After: 1\r\n");
  api_.Say(200, "{}");
  const absl::Time before = absl::Now();
  EXPECT_TRUE(client_->Get("/x").ok());
  EXPECT_GE(absl::Now() - before, absl::Milliseconds(900));
  EXPECT_THAT(api_.Asked(), SizeIs(2));
}

TEST_F(KubeClientTest, WatchesTellEventsAndBookmarks) {
  api_.Say(200, R"({"type":"ADDED","object":{"n":1}})"
                "\n"
                R"({"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9"}}})"
                "\n"
                R"({"type":"DELETED","object":{"n":1}})"
                "\n");
  EXPECT_TRUE(Watch().status.ok());
  ASSERT_THAT(events_, SizeIs(3));
  EXPECT_EQ(events_[1].kind, WatchEvent::Kind::kBookmark);
  EXPECT_THAT(api_.Asked()[0],
              HasSubstr("watch=true&allowWatchBookmarks=true&resourceVersion=5&timeoutSeconds=10"));
}

TEST_F(KubeClientTest, BothKindsOf410) {
  api_.Say(410, kGone);
  const WatchEnd by_status = Watch();
  EXPECT_TRUE(absl::IsOutOfRange(by_status.status)) << by_status.status;
  EXPECT_FALSE(by_status.by_event);
  api_.Say(200, R"({"type":"ERROR","object":)" + OneLine(kGone) + "}\n");
  const WatchEnd by_event = Watch();
  EXPECT_TRUE(absl::IsOutOfRange(by_event.status)) << by_event.status;
  EXPECT_TRUE(by_event.by_event);
}

TEST_F(KubeClientTest, ACutWatchIsUnavailable) {
  api_.Break(R"({"type":"ADDED","object":{"n":1}})"
             "\n"
             R"({"type":"ADD)");
  EXPECT_TRUE(absl::IsUnavailable(Watch().status));
  EXPECT_THAT(events_, SizeIs(1));
}

TEST_F(KubeClientTest, LinesThatAreNoEvents) {
  for (const char* line :
       {"", "7", "[]", "{}", R"({"type":"ADDED"})", R"({"type":"NEW","object":{}})",
        R"({"type":"ERROR"})", R"({"type":7,"object":{}})", R"({"type":"ADDED","object":[]})",
        "{\"type\":\"ADDED\",\"object\":{}", "\xff"}) {
    EXPECT_FALSE(ParseWatchEvent(line).ok()) << line;
  }
}

TEST_F(KubeClientTest, CancelEndsACallAtOnce) {
  api_.Say(429, "{}", "Retry-After: 30\r\n");
  std::thread canceller([this] {
    while (api_.Asked().empty()) {
      std::this_thread::yield();
    }
    client_->Cancel();
  });
  EXPECT_TRUE(absl::IsCancelled(client_->Get("/x").status()));
  canceller.join();
  EXPECT_TRUE(absl::IsCancelled(client_->Get("/x").status()));
}

constexpr char kTheirs[] = R"({"metadata": {"name": "l", "resourceVersion": "3"}, "spec":
{"holderIdentity": "other", "leaseDurationSeconds": 15, "leaseTransitions": 4}})";

TEST_F(KubeClientTest, ALeaseIsTakenWhenItsHolderIsSilent) {
  Lease lease(credentials_.get(), {.name = "l", .holder = "me"}, &clock_, [] {});
  api_.Say(200, kTheirs);
  EXPECT_TRUE(lease.Try().ok());
  EXPECT_FALSE(lease.held());
  EXPECT_EQ(lease.holder(), "other");
  clock_.Advance(absl::Seconds(16));
  api_.Say(200, kTheirs);
  api_.Say(200, R"({"metadata": {"resourceVersion": "4"}, "spec": {"holderIdentity": "me"}})");
  EXPECT_TRUE(lease.Try().ok());
  EXPECT_TRUE(lease.held());
  const std::string put = api_.Asked().back();
  EXPECT_THAT(put, HasSubstr("PUT /apis/coordination.k8s.io/v1/namespaces/train/leases/l"));
  EXPECT_THAT(put, HasSubstr(R"("resourceVersion":"3")"));
  EXPECT_THAT(put, HasSubstr(R"("leaseTransitions":5)"));
  clock_.Advance(absl::Seconds(11));
  EXPECT_FALSE(lease.held()) << "not renewed for longer than the deadline";
}

TEST_F(KubeClientTest, OfTwoWhoTakeALeaseOneLoses) {
  Lease lease(credentials_.get(), {.name = "l", .holder = "me"}, &clock_, [] {});
  api_.Say(404, "{}");
  api_.Say(409, kExists);
  EXPECT_TRUE(lease.Try().ok());
  EXPECT_FALSE(lease.held());
}

}  // namespace
}  // namespace ocellus::coordinator
