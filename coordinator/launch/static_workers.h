// From a placement to the orders for agents that run already. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ocellus/v1/job.pb.h"
#include "ocellus/v1/worker.pb.h"

namespace ocellus::coordinator {

// Where one rank runs.
struct RankSeat {
  int rank = 0;
  std::string node;
  int gpu = -1;  // -1 on CPU
};

// Numbers seats by (node, GPU): a gang that comes back on the same slots gets the same ranks.
std::vector<RankSeat> AssignRanks(std::vector<RankSeat> seats);

struct GangPlan {
  std::string job_id;
  int64_t generation = 0;
  v1::JobSpec spec;
  std::string resolved_json;
  std::vector<RankSeat> seats;               // of all ranks, by rank
  std::map<std::string, std::string> hosts;  // node to its address for other ranks
  std::vector<v1::Checkpoint> restore;       // newest first
  std::string store_uri;
  std::string prefix;  // ends in '/'
  double fault_interval_s = 0;
};

// The same order for every node of the gang. Port 0 (the agent picks) when all ranks are on one
// node, else one that is a function of job and generation, so that a repeated order is the same.
v1::StartGang MakeStartGang(const GangPlan& plan);

}  // namespace ocellus::coordinator
