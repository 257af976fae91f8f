#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "coordinator/auth/authority.h"
#include "coordinator/auth/caller.h"
#include "coordinator/auth/limits.h"
#include "coordinator/auth/rules.h"
#include "coordinator/base/error.h"
#include "coordinator/base/private_file.h"
#include "coordinator/base/simulated_clock.h"
#include "coordinator/base/x509.h"
#include "ocellus/v1/auth.pb.h"
#include "ocellus/v1/service.pb.h"
#include "tests/support/temp_folder.h"

namespace ocellus::coordinator {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(CallerTest, TheLargerRoleHolds) {
  Caller caller;
  caller.kind = Caller::Kind::kUser;
  caller.name = "ann";
  caller.roles = {{"vision", v1::ROLE_EDITOR}, {"*", v1::ROLE_VIEWER}};
  EXPECT_TRUE(caller.Has(v1::ROLE_EDITOR, "vision"));
  EXPECT_FALSE(caller.Has(v1::ROLE_EDITOR, "speech"));
  EXPECT_TRUE(caller.Has(v1::ROLE_VIEWER, "speech"));
  EXPECT_EQ(caller.Projects(), std::nullopt);
  EXPECT_EQ(*caller.Projects(v1::ROLE_EDITOR), std::set<std::string>{"vision"});
  EXPECT_EQ(caller.Actor(), "user:ann");
  EXPECT_TRUE(Caller{}.Projects()->empty());
}

TEST(CallerTest, AddressesHaveNoPort) {
  EXPECT_EQ(AddressOf("ipv4:10.0.0.1:7000"), "10.0.0.1");
  EXPECT_EQ(AddressOf("ipv6:[::1]:7000"), "[::1]");
  EXPECT_EQ(AddressOf("unix:/run/x"), "unix");
}

TEST(RulesTest, EveryMethodHasOneAndSecretsAreLeftOut) {
  EXPECT_GT(Rules().size(), 35U);
  v1::CancelJobRequest cancel;
  EXPECT_STREQ(RuleOf(cancel).method, "JobService.CancelJob");
  EXPECT_EQ(RuleOf(cancel).role, v1::ROLE_EDITOR);
  EXPECT_TRUE(RuleOf(cancel).audited);
  EXPECT_TRUE(RuleOf(v1::TailLogsRequest()).streams);
  EXPECT_EQ((*FindRule("CancelJob"))->scope, v1::ACCESS_SCOPE_JOB);
  EXPECT_FALSE(FindRule("Job").ok());
  v1::JoinNodeRequest join;
  join.set_node("n");
  join.set_join_token("ocj_secretsecretsecretsecret");
  EXPECT_EQ(DescribeRequest(join), R"({"node":"n"})");
  v1::CreateJobRequest create;
  create.mutable_spec()->set_project("vision");
  create.mutable_spec()->set_training_json("{}");
  create.mutable_spec()->set_name("password=hunter2");
  EXPECT_THAT(DescribeRequest(create), Not(HasSubstr("hunter2")));
  EXPECT_THAT(DescribeRequest(create), Not(HasSubstr("training_json")));
  EXPECT_EQ(FieldOf(create, "project"), "vision");
}

TEST(RulesTest, LongRequestsAreCutBetweenCharacters) {
  v1::CreateTokenRequest request;
  request.set_principal("ann");
  for (const char* first : {"", "x", "xx", "xxx"}) {
    std::string label = first;
    while (label.size() < 6000) label += "\xf0\x9f\x90\x9d";
    request.set_label(label);
    const std::string text = DescribeRequest(request);
    EXPECT_LE(text.size(), 4096U + 3);
    EXPECT_GE(text.size(), 4096U - 3 + 3);
    EXPECT_THAT(text, testing::EndsWith("\xf0\x9f\x90\x9d..."));
  }
}

TEST(RulesTest, WhatChangesSomethingIsAudited) {
  for (const Rule& rule : Rules()) {
    const std::string method = rule.method;
    const std::string name = method.substr(method.find('.') + 1);
    const bool reads = name.rfind("Get", 0) == 0 || name.rfind("List", 0) == 0 ||
                       name.rfind("Watch", 0) == 0 || name.rfind("Tail", 0) == 0 ||
                       name.rfind("Explain", 0) == 0 || name == "WhoAmI" || name == "CanI";
    const bool of_agents = method.rfind("WorkerService.", 0) == 0;  // in the job's history
    EXPECT_EQ(rule.audited, !reads && !of_agents) << method;
  }
}

TEST(LimiterTest, BurstsThenRefillsThenOthersAreUntouched) {
  SimulatedClock clock;
  CallLimits limits;
  limits.user_rate = 10;
  limits.streams = 2;
  Limiter limiter(limits, &clock);
  Caller ann, bob;
  ann.kind = bob.kind = Caller::Kind::kUser;
  ann.name = "ann";
  bob.name = "bob";
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(limiter.Take(ann).ok());
  EXPECT_EQ(ReasonOf(limiter.Take(ann)), v1::ERROR_REASON_RATE_LIMITED);
  EXPECT_TRUE(limiter.Take(bob).ok());
  clock.Advance(absl::Milliseconds(250));
  EXPECT_TRUE(limiter.Take(ann).ok());
  EXPECT_TRUE(limiter.Take(ann).ok());
  EXPECT_FALSE(limiter.Take(ann).ok());
  EXPECT_TRUE(limiter.OpenStream(ann).ok());
  EXPECT_TRUE(limiter.OpenStream(ann).ok());
  EXPECT_FALSE(limiter.OpenStream(ann).ok());
  EXPECT_TRUE(limiter.OpenStream(bob).ok());
  limiter.CloseStream(ann);
  EXPECT_TRUE(limiter.OpenStream(ann).ok());
}

class AuthorityTest : public testing::Test {
 protected:
  AuthorityTest() : store_(*Store::Open(folder_.path() + "/state.db")) {
    authority_ = *Authority::Open(folder_.path() + "/tls", store_.get(), &clock_, absl::Hours(1));
  }
  v1::JoinNodeRequest Request(const std::string& node, const std::string& token) {
    v1::JoinNodeRequest request;
    request.set_node(node);
    request.set_join_token(token);
    request.set_signing_request(*NewSigningRequest(*NewPrivateKey(), "whoever"));
    return request;
  }

  TempFolder folder_;
  SimulatedClock clock_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Authority> authority_;
};

TEST_F(AuthorityTest, JoinNamesTheNodeAndUsesTheTokenUp) {
  const auto token = authority_->NewJoinToken("pool-*", 2, absl::Minutes(10), "user:ann");
  ASSERT_TRUE(token.ok());
  EXPECT_FALSE(authority_->Join(Request("other", token->secret)).ok());
  const auto issued = authority_->Join(Request("pool-1", token->secret));
  ASSERT_TRUE(issued.ok()) << issued.status();
  const auto facts = ReadCertificate(issued->certificate);
  ASSERT_TRUE(facts.ok());
  EXPECT_EQ(facts->common_name, "pool-1");
  EXPECT_EQ(facts->use, CertificateUse::kNode);
  EXPECT_TRUE(authority_->Join(Request("pool-2", token->secret)).ok());
  EXPECT_EQ(ReasonOf(authority_->Join(Request("pool-3", token->secret)).status()),
            v1::ERROR_REASON_JOIN_REFUSED);
  const auto late = authority_->NewJoinToken("", 1, absl::Minutes(10), "user:ann");
  clock_.Advance(absl::Minutes(11));
  EXPECT_THAT(std::string(authority_->Join(Request("x", late->secret)).status().message()),
              HasSubstr("expired"));
}

TEST_F(AuthorityTest, ABadRequestLeavesTheTokenUnused) {
  const auto token = authority_->NewJoinToken("", 1, absl::Minutes(10), "user:ann");
  v1::JoinNodeRequest request = Request("n", token->secret);
  request.set_signing_request("nonsense");
  EXPECT_TRUE(absl::IsInvalidArgument(authority_->Join(request).status()));
  EXPECT_TRUE(authority_->Join(Request("n", token->secret)).ok());
}

TEST_F(AuthorityTest, TheServerCertificateIsKeptAndRenewed) {
  const std::vector<std::string> hosts = {"ocellus.example.org", "10.0.0.1", "::1"};
  EXPECT_TRUE(*authority_->KeepServerCertificate(hosts));
  EXPECT_FALSE(*authority_->KeepServerCertificate(hosts));
  EXPECT_TRUE(*authority_->KeepServerCertificate({"another.example.org"}));
  clock_.Advance(absl::Hours(24 * 61));
  EXPECT_TRUE(*authority_->KeepServerCertificate({"another.example.org"}));
  // The authority stays the same over a restart.
  const auto again =
      Authority::Open(folder_.path() + "/tls", store_.get(), &clock_, absl::Hours(1));
  EXPECT_EQ((*again)->certificate(), authority_->certificate());
}

}  // namespace
}  // namespace ocellus::coordinator
