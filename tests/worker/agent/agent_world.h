// An agent in a temporary folder, a FakeCoordinator, and gangs of scripted ranks.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/support/temp_folder.h"
#include "tests/worker/agent/fake_coordinator.h"
#include "worker/agent/agent.h"

namespace ocellus::agent {

class AgentWorld : public testing::Test {
 protected:
  using json = nlohmann::json;

  void SetUp() override;
  void TearDown() override;

  // Short waits, "node-a", the scripted rank.
  AgentOptions Options() const;
  // With /metrics, whose server takes two seconds to stop.
  AgentOptions OptionsWithMetrics() const;
  void StartAgent(const AgentOptions& options);
  void StartAgent() { StartAgent(Options()); }

  // One list of actions a rank (scripted_rank.cc).
  v1::SessionResponse StartGang(const std::vector<json>& scripts, int64_t generation = 1,
                                const std::string& job = "j-1") const;
  static v1::SessionResponse StopGang(double grace_s, bool checkpoint, int64_t generation = 1);
  static v1::SessionResponse KillGang(int64_t generation = 1);

  // Waits until every one of `ranks` has ended; their ends in the order in which they were told.
  std::vector<v1::GangEvent> WaitForEnds(size_t ranks);
  // Waits for a line.
  bool WaitForLine(const std::string& text);
  // Waits until the agent announces `count` gangs.
  bool WaitForGangs(int count);
  // The pid of a rank that was reported as started.
  int64_t PidOf(int rank, int64_t generation = 1);
  std::string ReadMetrics() const;

  TempFolder folder_;
  std::unique_ptr<FakeCoordinator> coordinator_;
  std::unique_ptr<Agent> agent_;
};

// The end of `rank` among `ends`.
v1::RankEnded EndOf(const std::vector<v1::GangEvent>& ends, int rank);

// Waits until there is no such process (a zombie is none); false after 10 s.
bool WaitForDeath(int64_t pid);

}  // namespace ocellus::agent
