// What agents call, and what people see of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "coordinator/base/error.h"
#include "coordinator/base/protocol.h"
#include "prometheus/text_serializer.h"
#include "tests/coordinator/support/cluster.h"

namespace ocellus::coordinator {
namespace {

using testing::HasSubstr;

class AgentApiTest : public testing::Test {
 protected:
  AgentApiTest() : agent_(&cluster_, "n") {
    EXPECT_TRUE(agent_.Register().ok());
    agent_.Connect();
    job_ = cluster_.Submit(Spec("a"));
    cluster_.Step();
    gang_ = agent_.Order().start().gang();
  }
  double Refused(const std::string& rpc) {
    return cluster_.Metric(metric::kStaleRejections, {{"rpc", rpc}});
  }

  std::vector<v1::JobEvent> Rejections() {
    std::vector<v1::JobEvent> events = cluster_.Events(job_);
    std::erase_if(events, [](const v1::JobEvent& event) {
      return event.type() != v1::JOB_EVENT_TYPE_STALE_REJECTED;
    });
    return events;
  }

  Cluster cluster_;
  FakeAgent agent_;
  std::string job_;
  v1::GangRef gang_;
};

TEST_F(AgentApiTest, StaleGenerationCanDoNothingAndIsCounted) {
  const v1::GangRef ghost = Ref(job_, 7);
  const auto stale = [](const absl::Status& status) {
    return ReasonOf(status) == v1::ERROR_REASON_STALE_GENERATION;
  };
  EXPECT_TRUE(stale(agent_.Progress(ghost, 0, 5)));
  EXPECT_TRUE(stale(agent_.End(ghost, 0, kSucceeded)));
  EXPECT_TRUE(stale(agent_.Log(ghost, 0, 1, "boo")));
  EXPECT_TRUE(stale(agent_.Begin(ghost, 5).status()));
  EXPECT_TRUE(stale(agent_.Commit(ghost, {}, 5, "{}").status()));
  EXPECT_TRUE(stale(agent_.Damage(ghost, "x")));
  EXPECT_EQ(Refused("ReportEvents"), 2);
  for (const char* rpc : {"PutLogs", "BeginCheckpoint", "CommitCheckpoint", "ReportDamage"}) {
    EXPECT_EQ(Refused(rpc), 1) << rpc;
  }
  EXPECT_EQ(cluster_.State(job_), "starting (launching)");
}

TEST_F(AgentApiTest, TheFirstRefusalOfAGenerationIsInTheHistory) {
  for (int rank = 0; rank < 2; ++rank) {
    ASSERT_TRUE(agent_.End(gang_, rank, "DIED", v1::FAILURE_CLASS_INFRA_PROCESS).ok());
  }
  cluster_.Step();
  cluster_.Step();
  ASSERT_EQ(cluster_.State(job_).substr(0, 7), "pending");
  EXPECT_FALSE(agent_.Begin(gang_, 5).ok());
  EXPECT_FALSE(agent_.Log(gang_, 0, 1, "boo").ok());
  EXPECT_FALSE(agent_.Log(Ref(job_, 9), 0, 1, "of the future").ok());
  EXPECT_FALSE(agent_.Log(Ref("j-nobody", 1), 0, 1, "of no job").ok());
  const auto refused = Rejections();
  ASSERT_EQ(refused.size(), 1u);
  EXPECT_EQ(refused[0].generation(), 1);
  EXPECT_EQ(refused[0].actor(), "agent:n");
  EXPECT_THAT(refused[0].message(), HasSubstr("refused BeginCheckpoint of generation 1 on n"));
}

TEST_F(AgentApiTest, AStaleGangThatStillRunsIsInTheHistory) {
  for (int rank = 0; rank < 2; ++rank) {
    ASSERT_TRUE(agent_.End(gang_, rank, "DIED", v1::FAILURE_CLASS_INFRA_PROCESS).ok());
  }
  cluster_.Step();
  cluster_.Step();
  v1::GangStatus ended = Status(gang_);
  for (auto& rank : *ended.mutable_ranks()) {
    rank.set_running(false);
  }
  agent_.Beat({ended});
  EXPECT_TRUE(Rejections().empty());
  agent_.Beat({Status(gang_)});
  agent_.Beat({Status(gang_)});
  ASSERT_EQ(Rejections().size(), 1u);
  EXPECT_THAT(Rejections()[0].message(), HasSubstr("refused its announcement"));
}

TEST_F(AgentApiTest, AnotherNodeMayNotSpeakForTheGang) {
  FakeAgent other(&cluster_, "m");
  ASSERT_TRUE(other.Register().ok());
  EXPECT_EQ(ReasonOf(other.End(gang_, 0, kSucceeded)), v1::ERROR_REASON_STALE_GENERATION);
  EXPECT_EQ(ReasonOf(other.Begin(gang_, 5).status()), v1::ERROR_REASON_STALE_GENERATION);
}

TEST_F(AgentApiTest, SecondAgentOfTheNameIsRefused) {
  FakeAgent second(&cluster_, "n");
  const absl::Status status = second.Register();
  EXPECT_TRUE(absl::IsAlreadyExists(status));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_NODE_NAME_IN_USE);
  second.set_session(agent_.session() + 1);
  EXPECT_EQ(ReasonOf(second.Log(gang_, 0, 1, "x")), v1::ERROR_REASON_STALE_SESSION);
  EXPECT_TRUE(agent_.Progress(gang_, 0, 1).ok());
}

TEST_F(AgentApiTest, LogsAreTailedAndFollowedToTheEnd) {
  ASSERT_TRUE(agent_.Log(gang_, 0, 1, "one").ok());
  ASSERT_TRUE(agent_.Log(gang_, 0, 2, "two").ok());
  auto logs = v1::LogService::NewStub(cluster_.channel());
  v1::TailLogsRequest request;
  request.set_job(job_);
  request.set_lines(1);
  request.set_follow(true);
  grpc::ClientContext context;
  auto reader = logs->TailLogs(&context, request);
  v1::TailLogsResponse response;
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.lines(0).text(), "two");
  ASSERT_TRUE(agent_.Log(gang_, 0, 6, "after a gap").ok());
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.lines(0).text(), "after a gap");
  EXPECT_EQ(response.dropped(), 3);
  const std::string cursor = response.cursor();

  ASSERT_TRUE(agent_.Log(gang_, 1, 1, "the last words").ok());
  for (int rank = 0; rank < 2; ++rank) {
    ASSERT_TRUE(agent_.End(gang_, rank, "BAD_SPEC", v1::FAILURE_CLASS_USER).ok());
  }
  cluster_.Step();
  cluster_.Step();
  std::string last;
  while (reader->Read(&response)) {
    last = response.lines(response.lines_size() - 1).text();
  }
  EXPECT_TRUE(reader->Finish().ok());
  EXPECT_EQ(last, "the last words");

  request.set_cursor(cursor);
  grpc::ClientContext again;
  reader = logs->TailLogs(&again, request);
  ASSERT_TRUE(reader->Read(&response));
  EXPECT_EQ(response.lines(0).text(), "the last words");
}

TEST_F(AgentApiTest, CheckpointsAreListedAndVerified) {
  for (int64_t step : {10, 20, 30}) {
    ASSERT_TRUE(agent_.Checkpoint(gang_, step).ok());
  }
  auto checkpoints = v1::CheckpointService::NewStub(cluster_.channel());
  v1::ListCheckpointsRequest list;
  list.set_job(job_);
  list.set_page_size(2);
  grpc::ClientContext first;
  v1::ListCheckpointsResponse page;
  ASSERT_TRUE(checkpoints->ListCheckpoints(&first, list, &page).ok());
  ASSERT_EQ(page.checkpoints_size(), 2);
  EXPECT_EQ(page.checkpoints(0).step(), 30);
  list.set_page_token(page.next_page_token());
  grpc::ClientContext second;
  page.Clear();
  ASSERT_TRUE(checkpoints->ListCheckpoints(&second, list, &page).ok());
  ASSERT_EQ(page.checkpoints_size(), 1);
  EXPECT_EQ(page.checkpoints(0).step(), 10);
  EXPECT_TRUE(page.next_page_token().empty());

  v1::VerifyCheckpointRequest verify;
  verify.set_job(job_);
  grpc::ClientContext sound;
  v1::VerifyCheckpointResponse verified;
  ASSERT_TRUE(checkpoints->VerifyCheckpoint(&sound, verify, &verified).ok());
  EXPECT_EQ(verified.checkpoint().step(), 30);
  EXPECT_EQ(verified.faults_size(), 0);
  verify.set_step(15);
  grpc::ClientContext none;
  EXPECT_EQ(ReasonOf(FromGrpc(checkpoints->VerifyCheckpoint(&none, verify, &verified))),
            v1::ERROR_REASON_CHECKPOINT_NOT_FOUND);
}

TEST_F(AgentApiTest, ArtifactsAndNodesAreShown) {
  v1::GangEvent event;
  *event.mutable_gang() = gang_;
  event.mutable_artifact()->set_kind("loss_curve");
  event.mutable_artifact()->set_uri("default/j/artifacts/loss.svg");
  ASSERT_TRUE(agent_.Report(event).ok());
  EXPECT_EQ(cluster_.Get(job_).artifacts().at("loss_curve"),
            absl::StrCat("file://", cluster_.folder(), "/store/default/j/artifacts/loss.svg"));

  auto nodes = v1::NodeService::NewStub(cluster_.channel());
  grpc::ClientContext context;
  v1::ListNodesResponse response;
  ASSERT_TRUE(nodes->ListNodes(&context, {}, &response).ok());
  ASSERT_EQ(response.nodes_size(), 1);
  EXPECT_EQ(response.nodes(0).state(), v1::NODE_STATE_READY);
  EXPECT_EQ(response.nodes(0).used_slots(), 2);
  EXPECT_EQ(response.nodes(0).jobs(0), job_);

  auto admin = v1::AdminService::NewStub(cluster_.channel());
  grpc::ClientContext status_context;
  v1::GetStatusResponse status;
  ASSERT_TRUE(admin->GetStatus(&status_context, {}, &status).ok());
  EXPECT_EQ(status.slots_used(), 2);
  EXPECT_EQ(status.jobs().at("starting"), 1);
  EXPECT_EQ(status.version(), kVersion);
}

TEST_F(AgentApiTest, CallsAreCounted) {
  cluster_.Get(job_);
  const std::string page =
      prometheus::TextSerializer().Serialize(cluster_.metrics().registry()->Collect());
  EXPECT_THAT(page,
              HasSubstr("grpc_server_handled_total{grpc_code=\"OK\",grpc_method=\"CreateJob\","
                        "grpc_service=\"ocellus.v1.JobService\"} 1"));
  EXPECT_THAT(page, HasSubstr("grpc_server_handling_seconds_bucket"));
}

TEST(ServerTest, PortInUseNamesTheFlag) {
  Cluster cluster;
  const std::string target = cluster.address();
  Metrics metrics;
  SimulatedClock clock;
  TempFolder folder;
  auto store = *Store::Open(folder.path() + "/state.db");
  auto objects = *Objects::Open(folder.path() + "/store");
  LiveGangs live(&clock);
  Fleet fleet(store.get(), &live, &clock, {});
  Ledger ledger(store.get(), objects.get(), &clock);
  Reports reports(store.get(), &live, &clock);
  LogFiles logs(folder.path() + "/logs");
  const auto second =
      Server::Start(target, grpc::InsecureServerCredentials(),
                    {store.get(), &fleet, &live, &reports, &ledger, &logs, &metrics, &clock, ""});
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(target));
  EXPECT_THAT(std::string(second.status().message()), HasSubstr("--listen"));
}

}  // namespace
}  // namespace ocellus::coordinator
