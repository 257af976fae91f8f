#include "tests/worker/agent/agent_world.h"

#include <signal.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

namespace ocellus::agent {

void AgentWorld::SetUp() {
  signal(SIGPIPE, SIG_IGN);
  coordinator_ = std::make_unique<FakeCoordinator>();
}

void AgentWorld::TearDown() {
  agent_.reset();
  coordinator_.reset();
}

AgentOptions AgentWorld::Options() const {
  AgentOptions options;
  options.coordinator = coordinator_->address();
  options.node = "node-a";
  options.data_dir = folder_ / "agent";
  options.trainer = std::string(OCELLUS_BINARY_DIR) + "/bin/scripted_rank";
  options.cpu_slots = 4;
  options.limits.term_to_kill = Millis(200);
  options.limits.peer_term_to_kill = Millis(2000);
  options.limits.stop_ack = Millis(100);
  options.limits.retry_first = Millis(10);
  options.limits.retry_last = Millis(100);
  options.limits.progress_interval = Millis(20);
  options.limits.peer_progress_interval = Millis(50);
  options.limits.register_tries = Millis(200);
  return options;
}

AgentOptions AgentWorld::OptionsWithMetrics() const {
  AgentOptions options = Options();
  options.metrics_listen = "127.0.0.1:0";
  return options;
}

void AgentWorld::StartAgent(const AgentOptions& options) {
  auto agent = Agent::Start(options);
  ASSERT_TRUE(agent.ok()) << agent.status();
  agent_ = *std::move(agent);
}

v1::SessionResponse AgentWorld::StartGang(const std::vector<json>& scripts, int64_t generation,
                                          const std::string& job) const {
  v1::SessionResponse order;
  v1::StartGang* start = order.mutable_start();
  start->mutable_gang()->set_job_id(job);
  start->mutable_gang()->set_generation(generation);
  start->set_job_name("demo");
  start->set_project("default");
  start->set_world(static_cast<int>(scripts.size()));
  for (size_t rank = 0; rank < scripts.size(); ++rank) {
    v1::RankPlacement* placement = start->add_ranks();
    placement->set_rank(static_cast<int>(rank));
    placement->set_node("node-a");
    placement->set_gpu(-1);
  }
  start->set_resolved_json(json{{"ranks", scripts}}.dump());
  start->mutable_checkpoint()->set_every_steps(100);
  start->mutable_checkpoint()->set_keep(3);
  start->set_store_uri("file://" + folder_ / "store");
  start->set_prefix("default/" + job + "/");
  return order;
}

v1::SessionResponse AgentWorld::StopGang(double grace_s, bool checkpoint, int64_t generation) {
  v1::SessionResponse order;
  v1::StopGang* stop = order.mutable_stop();
  stop->mutable_gang()->set_job_id("j-1");
  stop->mutable_gang()->set_generation(generation);
  stop->set_cause(v1::JOB_REASON_CANCEL);
  stop->mutable_grace()->set_nanos(static_cast<int32_t>(grace_s * 1e9) % 1'000'000'000);
  stop->mutable_grace()->set_seconds(static_cast<int64_t>(grace_s));
  stop->set_want_checkpoint(checkpoint);
  return order;
}

v1::SessionResponse AgentWorld::KillGang(int64_t generation) {
  v1::SessionResponse order;
  order.mutable_kill()->mutable_gang()->set_job_id("j-1");
  order.mutable_kill()->mutable_gang()->set_generation(generation);
  return order;
}

std::vector<v1::GangEvent> AgentWorld::WaitForEnds(size_t ranks) {
  EXPECT_TRUE(
      coordinator_->WaitFor([&](const Heard& heard) { return heard.Ends().size() >= ranks; }));
  return coordinator_->heard().Ends();
}

bool AgentWorld::WaitForLine(const std::string& text) {
  return coordinator_->WaitFor([&](const Heard& heard) {
    const auto texts = heard.Texts();
    return std::find(texts.begin(), texts.end(), text) != texts.end();
  });
}

bool AgentWorld::WaitForGangs(int count) {
  return coordinator_->WaitFor([&](const Heard& heard) {
    return !heard.beats.empty() && heard.beats.back().gangs_size() == count;
  });
}

int64_t AgentWorld::PidOf(int rank, int64_t generation) {
  int64_t pid = 0;
  EXPECT_TRUE(coordinator_->WaitFor([&](const Heard& heard) {
    for (const v1::GangEvent& event : heard.events) {
      const bool this_one = event.rank() == rank && event.gang().generation() == generation;
      if (event.has_started() && this_one) pid = event.started().pid();
    }
    return pid != 0;
  }));
  return pid;
}

std::string AgentWorld::ReadMetrics() const {
  const std::string path = folder_ / "metrics.txt";
  const std::string command =
      "curl -sSf http://" + agent_->metrics_address() + "/metrics > " + path;
  EXPECT_EQ(system(command.c_str()), 0);
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

v1::RankEnded EndOf(const std::vector<v1::GangEvent>& ends, int rank) {
  for (const v1::GangEvent& event : ends) {
    if (event.rank() == rank) return event.ended();
  }
  ADD_FAILURE() << "rank " << rank << " has not ended";
  return {};
}

bool WaitForDeath(int64_t pid) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (std::chrono::steady_clock::now() < deadline) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string number, name, state;
    if (!(file >> number >> name >> state) || state == "Z" || state == "X") return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

}  // namespace ocellus::agent
