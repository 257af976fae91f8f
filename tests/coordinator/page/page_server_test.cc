#include "coordinator/page/page_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

#include <regex>
#include <thread>
#include <vector>

#include "coordinator/page/bounded_pool.h"
#include "coordinator/page/files.h"
#include "tests/coordinator/support/cluster.h"

namespace ocellus::coordinator {
namespace {

using testing::HasSubstr;

TEST(HostTest, ANameCouldBeAnybodys) {
  for (const char* host : {"127.0.0.1:7413", "127.0.0.1", "localhost", "LocalHost:80", "[::1]:7413",
                           "[::1]", "10.1.2.3:1"}) {
    EXPECT_TRUE(IsAddressOrLocalhost(host)) << host;
  }
  for (const char* host :
       {"", "attacker.example", "127.0.0.1.attacker.example:7413", "localhost.attacker.example",
        "attacker.example:7413", ":7413", "[::1"}) {
    EXPECT_FALSE(IsAddressOrLocalhost(host)) << host;
  }
}

TEST(FilesTest, AskNobodyElse) {
  ASSERT_NE(FindFile("/"), nullptr);
  EXPECT_EQ(FindFile("/"), FindFile("/index.html"));
  EXPECT_EQ(FindFile(""), nullptr);
  EXPECT_EQ(FindFile("/../answers.cc"), nullptr);
  const std::regex address("(https?:|src=\"|href=\"|url\\()//(?!www\\.w3\\.org/)");
  const std::regex markup("innerHTML|outerHTML|insertAdjacent|document\\.write|eval\\(|style=");
  for (const EmbeddedFile& file : EmbeddedFiles()) {
    EXPECT_FALSE(TypeOf(file).empty());
    EXPECT_FALSE(std::regex_search(file.text, address)) << file.name;
    EXPECT_FALSE(std::regex_search(file.text, markup)) << file.name;
  }
}

class PageServerTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<PageServer>> Start(const PageSettings& settings) {
    return PageServer::Start(settings, cluster_.own_channel(), &cluster_.objects(),
                             &cluster_.live(), &cluster_.clock());
  }
  Cluster cluster_;
};

TEST_F(PageServerTest, AnswersAndEnds) {
  auto page = Start({"127.0.0.1:0"});
  ASSERT_TRUE(page.ok()) << page.status();
  httplib::Client client("http://" + (*page)->address());
  const auto found = client.Get("/");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->status, 200);
  EXPECT_EQ(found->get_header_value("Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(client.Get("/api/overview")->status, 200);
  EXPECT_EQ(client.Post("/api/overview")->status, 405);
  EXPECT_EQ((*page)->url(), "http://" + (*page)->address() + "/");

  const auto second = Start({(*page)->address()});
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("--page-listen"));
  page->reset();
  EXPECT_FALSE(client.Get("/"));
}

TEST_F(PageServerTest, WithoutTokensOnlyThisMachine) {
  const auto page = Start({"0.0.0.0:0"});
  ASSERT_FALSE(page.ok());
  EXPECT_THAT(std::string(page.status().message()), HasSubstr("--secure"));
  EXPECT_TRUE(Start({"0.0.0.0:0", /*anywhere=*/true}).ok());
  EXPECT_FALSE(Start({"7413"}).ok());
  const auto secure =
      Start({"0.0.0.0:0", false, Mode::kSecure, cluster_.folder() + "/no.pem", "/no.key"});
  ASSERT_FALSE(secure.ok());
  EXPECT_THAT(std::string(secure.status().message()), HasSubstr("no.pem"));
}

TEST(BoundedPoolTest, DoesEverythingAndTakesNoMoreThanItHolds) {
  std::mutex gate;
  std::atomic<int> done = 0, given = 0;
  gate.lock();
  BoundedPool pool(/*threads=*/2, /*waiting_max=*/3);
  std::thread giver([&] {
    for (int i = 0; i < 20; ++i) {
      pool.enqueue([&] {
        const std::lock_guard lock(gate);
        ++done;
      });
      ++given;
    }
  });
  while (given < 5) std::this_thread::yield();
  EXPECT_LE(given, 5);
  EXPECT_EQ(done, 0);
  gate.unlock();
  giver.join();
  pool.shutdown();
  EXPECT_EQ(done, 20);
}

}  // namespace
}  // namespace ocellus::coordinator
