// Between the plan and a launcher that can make workers: what to wish for, and why it takes time.
// One thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "coordinator/fleet/fleet.h"
#include "coordinator/launch/launcher.h"
#include "coordinator/scheduler/plan.h"
#include "coordinator/state/store.h"

namespace ocellus::coordinator {

// Jobs at the head of the queue that workers are made for at a time.
inline constexpr int kWishesMax = 256;
// The job's label that names the topology domain where its workers shall be.
inline constexpr char kTopologyLabel[] = "topology";

class Provisioner {
 public:
  // All outlive it. `launcher` may be null: then nothing here does anything.
  Provisioner(Store* store, Fleet* fleet, Launcher* launcher)
      : store_(store), fleet_(fleet), launcher_(launcher) {}

  // Nodes that go, or whose worker is gone by all that the launcher knows: nothing is placed there.
  std::set<std::string> Closing() const;

  // Wishes workers for the jobs that wait, keeps those of gangs, and rewrites the reasons of the
  // jobs that workers are made for.
  absl::Status Update(std::vector<Waiting>* waiting);

  // Drops nodes of workers that were made for a job and are gone for good.
  absl::Status ForgetGone();

 private:
  absl::StatusOr<LaunchWishes> Wishes(const std::vector<Waiting>& waiting) const;
  // A job in backoff keeps the workers that it has: it comes back in place.
  std::set<std::string> JobsWithWorkers() const;

  Store* store_;
  Fleet* fleet_;
  Launcher* launcher_;
};

}  // namespace ocellus::coordinator
