// Workers that are made for a job: wished for, used by it alone, kept while they live, forgotten.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/coordinator/support/cluster.h"

namespace ocellus::coordinator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;

class FakeLauncher final : public Launcher {
 public:
  void Want(LaunchWishes wishes) override { wishes_ = std::move(wishes); }
  std::string Explain(const std::string&) const override { return "no room"; }
  std::set<std::string> Closing() const override { return closing_; }
  std::optional<std::set<std::string>> Present() const override { return present_; }

  LaunchWishes wishes_;
  std::set<std::string> closing_;
  std::optional<std::set<std::string>> present_;
};

class ProvisionerTest : public testing::Test {
 protected:
  ProvisionerTest() : cluster_(&launcher_) {
    cluster_.clock().Advance(absl::Minutes(5));  // beyond the grace after a start
  }

  std::unique_ptr<FakeAgent> Worker(const std::string& name, const std::string& job) {
    auto agent = std::make_unique<FakeAgent>(&cluster_, name, /*cpu_slots=*/1);
    agent->set_job(job);
    EXPECT_TRUE(agent->Register().ok());
    agent->Connect();
    return agent;
  }

  FakeLauncher launcher_;
  Cluster cluster_;
};

TEST_F(ProvisionerTest, AGangGoesOntoWhatWasMadeForIt) {
  const std::string job = cluster_.Submit(Spec("a"));
  const std::string other = cluster_.Submit(Spec("b"));
  cluster_.Step();
  ASSERT_THAT(launcher_.wishes_.pending, SizeIs(2));
  EXPECT_EQ(launcher_.wishes_.pending[job].generation, 1);
  EXPECT_EQ(launcher_.wishes_.pending[job].ranks, 2);
  EXPECT_EQ(cluster_.State(job), "pending (waiting_for_workers)");
  EXPECT_THAT(cluster_.Get(job).message(), HasSubstr("no room"));

  const auto first = Worker(job + "-g1-0", job);
  cluster_.Step();
  EXPECT_EQ(cluster_.State(job), "pending (waiting_for_workers)") << "half a gang is none";
  const auto second = Worker(job + "-g1-1", job);
  cluster_.Step();
  EXPECT_EQ(cluster_.State(job), "starting (launching)");
  const v1::StartGang order = first->Order().start();
  EXPECT_EQ(order.ranks(0).node(), job + "-g1-0");
  EXPECT_EQ(order.ranks(1).node(), job + "-g1-1");
  cluster_.Step();
  EXPECT_THAT(launcher_.wishes_.pending, ElementsAre(Pair(other, testing::_)));
  EXPECT_THAT(launcher_.wishes_.running[job].nodes, ElementsAre(job + "-g1-0", job + "-g1-1"));
}

TEST_F(ProvisionerTest, NobodyElseGetsThem) {
  const std::string job = cluster_.Submit(Spec("a"));
  const auto theirs0 = Worker("j-other-g1-0", "j-other");
  const auto theirs1 = Worker("j-other-g1-1", "j-other");
  cluster_.Step();
  EXPECT_EQ(cluster_.State(job), "pending (waiting_for_workers)");
  const auto shared0 = Worker("s0", "");
  const auto shared1 = Worker("s1", "");
  cluster_.Step();
  EXPECT_EQ(cluster_.State(job), "starting (launching)") << "standing workers serve everybody";
  cluster_.Step();
  EXPECT_THAT(launcher_.wishes_.pending, IsEmpty());
}

TEST_F(ProvisionerTest, NothingIsPlacedOnAWorkerThatGoes) {
  const std::string job = cluster_.Submit(Spec("a"));
  launcher_.closing_ = {job + "-g1-1"};
  const auto first = Worker(job + "-g1-0", job);
  const auto second = Worker(job + "-g1-1", job);
  cluster_.Step();
  EXPECT_EQ(cluster_.State(job), "pending (waiting_for_workers)");
  launcher_.closing_.clear();
  launcher_.present_ = {{job + "-g1-0"}};
  cluster_.Step();
  EXPECT_EQ(cluster_.State(job), "pending (waiting_for_workers)") << "its pod is gone";
  launcher_.present_->insert(job + "-g1-1");
  cluster_.Step();
  EXPECT_EQ(cluster_.State(job), "starting (launching)");
}

TEST_F(ProvisionerTest, LostWorkersAreToldAndForgottenWhenTheirPodIsGone) {
  const std::string job = cluster_.Submit(Spec("a"));
  const std::string name = job + "-g1-0";
  auto worker = Worker(name, job);
  launcher_.present_ = {{name}};
  worker->Disconnect();
  cluster_.Pass(absl::Minutes(2));
  EXPECT_THAT(launcher_.wishes_.lost, ElementsAre(name));
  launcher_.present_.reset();
  cluster_.Step();
  EXPECT_THAT(launcher_.wishes_.lost, ElementsAre(name)) << "not to know is not to see it gone";
  launcher_.present_ = std::set<std::string>{};
  cluster_.Step();
  cluster_.Step();
  EXPECT_THAT(launcher_.wishes_.lost, IsEmpty());
}

TEST_F(ProvisionerTest, ACancelledJobWantsNothing) {
  const std::string job = cluster_.Submit(Spec("a"));
  cluster_.Step();
  EXPECT_THAT(launcher_.wishes_.pending, SizeIs(1));
  grpc::ClientContext context;
  v1::CancelJobRequest request;
  request.set_job(job);
  v1::CancelJobResponse response;
  EXPECT_TRUE(cluster_.jobs().CancelJob(&context, request, &response).ok());
  cluster_.Step();
  EXPECT_THAT(launcher_.wishes_.pending, IsEmpty());
  EXPECT_THAT(launcher_.wishes_.running, IsEmpty());
}

}  // namespace
}  // namespace ocellus::coordinator
