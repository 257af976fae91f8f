// Where pending jobs go: a snapshot in, a plan out. Pure and deterministic; whoever calls it
// commits the plan, or drops it and asks again.
//
// Phases, in order:
//   1. rest      jobs in backoff wait
//   2. order     priority, then age
//   3. bounds    a gang larger than the cluster waits without blocking others
//   4. place     whole gangs only, on as few nodes as possible
//   5. explain   every job left has one reason, the first that holds
// Quotas come between 2 and 3 (who may have how much), preemption between 4 and 5 (victims and
// placement planned together), elasticity after 4 (idle slots to gangs that can grow).
//
// A gang goes onto nodes that were made for it, if they hold all of it; else onto nodes for all.
// A gang that fits the cluster but not the free slots keeps those behind it from the same kind of
// slots, so that small jobs cannot starve it.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "ocellus/v1/job.pb.h"

namespace ocellus::coordinator {

struct SlotView {
  int gpu = -1;      // index, or -1 for a CPU slot
  std::string user;  // the job that has it; empty is free
};

struct NodeView {
  std::string name;
  bool ready = false;  // its lease holds
  bool cordoned = false;
  std::vector<SlotView> slots;
  std::string only_for;  // the job that it was made for; empty: any
};

struct PendingJob {
  std::string id;
  int priority = 0;
  absl::Time queued;  // submission: restarts keep their place
  absl::Time backoff_until = absl::InfinitePast();
  std::string waiting_message;  // shown while it is in backoff
  int ranks = 1;
  v1::Device device = v1::DEVICE_AUTO;
};

struct Snapshot {
  absl::Time now;
  std::vector<NodeView> nodes;
  std::vector<PendingJob> pending;
};

struct Grant {
  std::string node;
  int gpu = -1;
};

struct Placement {
  std::string job_id;
  std::vector<Grant> grants;  // one a rank, in no order that matters
};

struct Waiting {
  std::string job_id;
  v1::JobReason reason = v1::JOB_REASON_NEXT_CYCLE;
  std::string message;
};

struct Plan {
  std::vector<Placement> placements;
  std::vector<Waiting> waiting;
};

Plan MakePlan(Snapshot snapshot);

// Whether this job wants GPUs: cuda always, auto when these nodes have as many as it needs.
bool WantsGpus(const PendingJob& job, const std::vector<NodeView>& nodes);

}  // namespace ocellus::coordinator
