// Gangs that hold a part of the pods that they need and wait for the rest. kube-scheduler binds pod
// by pod, so two of them may each hold what the other one lacks, for ever. Of such gangs the first
// in the queue keeps what it has. Any other that has been so for longer than the patience gives its
// pods back and rests before it tries again, twice as long each time. One thread.
#pragma once

#include <map>
#include <string>

#include "absl/time/time.h"
#include "coordinator/launch/launcher.h"
#include "coordinator/launch/pod_plan.h"

namespace ocellus::coordinator {

// As long as a cluster may need for more machines.
inline constexpr absl::Duration kHalfGangPatience = absl::Minutes(5);
inline constexpr absl::Duration kHalfGangRestFirst = absl::Minutes(1);
inline constexpr absl::Duration kHalfGangRestLast = absl::Minutes(10);

class HalfGangs {
 public:
  explicit HalfGangs(absl::Duration patience = kHalfGangPatience) : patience_(patience) {}

  // The pending jobs that shall have no pods for now, each with the reason for people. `now` is
  // monotonic.
  std::map<std::string, std::string> Resting(const LaunchWishes& wishes, const Pods& pods,
                                             int ranks_per_pod, absl::Duration now);

 private:
  struct Gang {
    bool half = false;
    absl::Duration half_since;   // while it is
    absl::Duration rests_until;  // past: it does not
    int times = 0;               // that it gave its pods back
    std::string why;
  };
  // The job that comes first of those that are half; "" when there is none.
  std::string Look(const LaunchWishes& wishes, const Pods& pods, int ranks_per_pod,
                   absl::Duration now);

  const absl::Duration patience_;
  std::map<std::string, Gang> gangs_;  // by pending job
};

}  // namespace ocellus::coordinator
