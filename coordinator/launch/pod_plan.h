// Which worker pods to make, to delete and to mark: wishes and pods in, a plan out. Pure.
//
//   a pod that is on its way out        is left alone; its name is free once it is gone
//   a pod of a job that is not wanted   is deleted
//   a pod of a gang that rests          is deleted (half_gangs.h)
//   a pod that ended, or was lost       is deleted, and made anew under the next generation's name
//   a pod of a gang that runs           stays; it is marked with the generation that it serves
//   a wish                              has one pod an index: what still lives is kept, so that a
//                                       gang comes back in place, and the rest is made
#pragma once

#include <map>
#include <string>
#include <vector>

#include "coordinator/launch/launcher.h"
#include "coordinator/launch/pod_state.h"
#include "coordinator/launch/pod_template.h"

namespace ocellus::coordinator {

struct PodDeletion {
  std::string name;
  std::string uid;
  std::string why;
};

struct PodMark {
  std::string name;
  std::string uid;
  int64_t serves = 0;
};

struct PodPlan {
  std::vector<PodRequest> make;
  std::vector<PodDeletion> remove;
  std::vector<PodMark> mark;
};

using Pods = std::map<std::string, PodState>;  // by name

PodPlan PlanPods(const LaunchWishes& wishes, const Pods& pods, int ranks_per_pod);

// How many pods a gang of so many ranks has.
int PodsOf(int ranks, int ranks_per_pod);

}  // namespace ocellus::coordinator
