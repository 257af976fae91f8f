// What the reconcile loop asks of whoever can make workers where there are none, and what it learns
// from it. Nothing here blocks.
//
// A pending gang that fits nowhere becomes a wish. The launcher makes worker pods for it; each
// registers as a node of its own that is reserved for that job (Inventory.job_id), and when all are
// there the scheduler places the gang on exactly those nodes. What is neither wished for nor used
// by a gang is taken down. So the truth stays in the store: a launcher that starts anew is told
// everything again with the next pass.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "ocellus/v1/job.pb.h"

namespace ocellus::coordinator {

// Workers for a gang that is not placed.
struct WorkerWish {
  int position = 0;        // in the queue
  int64_t generation = 0;  // that the gang would have
  int ranks = 1;
  v1::Device device = v1::DEVICE_AUTO;
  std::string name;      // of the job, for people
  std::string topology;  // the domain that the job's label "topology" names; "" is any
};

// A gang that runs.
struct WorkerUse {
  int64_t generation = 0;
  std::set<std::string> nodes;
};

struct LaunchWishes {
  std::map<std::string, WorkerWish> pending;  // by job
  std::map<std::string, WorkerUse> running;   // by job
  std::set<std::string> lost;                 // nodes whose lease ran out
  // Jobs that give their pods back for now: why. The launcher's own; nobody else says it.
  std::map<std::string, std::string> resting = {};
};

class Launcher {
 public:
  virtual ~Launcher() = default;

  // All that is wanted from now on; replaces what was said before.
  virtual void Want(LaunchWishes wishes) = 0;

  // Why the workers of this job are not there yet, in words; "" when nothing is known.
  virtual std::string Explain(const std::string& job_id) const = 0;

  // Workers that are on their way out (evicted, drained, deleted): nothing new goes there.
  virtual std::set<std::string> Closing() const = 0;

  // Every worker there is; nothing while that is not known for sure.
  virtual std::optional<std::set<std::string>> Present() const = 0;
};

}  // namespace ocellus::coordinator
