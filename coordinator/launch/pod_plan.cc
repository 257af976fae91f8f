#include "coordinator/launch/pod_plan.h"

#include <algorithm>

namespace ocellus::coordinator {
namespace {

using ByIndex = std::map<int, const PodState*>;

// Of the pods of one job and index, the newest that lives.
std::map<std::string, ByIndex> Living(const LaunchWishes& wishes, const Pods& pods) {
  std::map<std::string, ByIndex> living;
  for (const auto& [name, pod] : pods) {
    if (pod.deleting || pod.ended() || wishes.lost.contains(name)) {
      continue;
    }
    const PodState*& kept = living[pod.job_id][pod.index];
    if (kept == nullptr || kept->generation < pod.generation) {
      kept = &pod;
    }
  }
  return living;
}

PodRequest Request(const std::string& job_id, const WorkerWish& wish, int index,
                   int ranks_per_pod) {
  PodRequest request;
  request.job_id = job_id;
  request.job_name = wish.name;
  request.generation = wish.generation;
  request.index = index;
  request.ranks = std::min(ranks_per_pod, wish.ranks - index * ranks_per_pod);
  request.gpus = wish.device != v1::DEVICE_CPU;
  request.cpu_slots = wish.device != v1::DEVICE_CUDA;
  request.topology = wish.topology;
  return request;
}

// "" when the pod stays.
std::string WhyRemove(const PodState& pod, const LaunchWishes& wishes, const ByIndex& living,
                      int ranks_per_pod) {
  if (pod.ended()) {
    return "it has ended";
  }
  if (const auto use = wishes.running.find(pod.job_id); use != wishes.running.end()) {
    return use->second.nodes.contains(pod.name) ? "" : "its job runs without it";
  }
  if (const auto rest = wishes.resting.find(pod.job_id); rest != wishes.resting.end()) {
    return rest->second;
  }
  const auto wish = wishes.pending.find(pod.job_id);
  if (wish == wishes.pending.end()) {
    return "nobody wants it any more";
  }
  if (wishes.lost.contains(pod.name)) {
    return "its worker was not heard within its lease";
  }
  if (pod.index < 0 || pod.index >= PodsOf(wish->second.ranks, ranks_per_pod)) {
    return "its job has become smaller";
  }
  const auto kept = living.find(pod.index);
  return kept != living.end() && kept->second == &pod ? "" : "a newer one has taken its place";
}

}  // namespace

int PodsOf(int ranks, int ranks_per_pod) { return (ranks + ranks_per_pod - 1) / ranks_per_pod; }

PodPlan PlanPods(const LaunchWishes& wishes, const Pods& pods, int ranks_per_pod) {
  PodPlan plan;
  std::map<std::string, ByIndex> living = Living(wishes, pods);
  for (const auto& [name, pod] : pods) {
    if (pod.deleting) {
      continue;
    }
    const std::string why = WhyRemove(pod, wishes, living[pod.job_id], ranks_per_pod);
    if (!why.empty()) {
      plan.remove.push_back({name, pod.uid, why});
      continue;
    }
    const auto use = wishes.running.find(pod.job_id);
    if (use != wishes.running.end() && pod.serves != use->second.generation) {
      plan.mark.push_back({name, pod.uid, use->second.generation});
    }
  }
  for (const auto& [job_id, wish] : wishes.pending) {
    if (wishes.resting.contains(job_id)) {
      continue;
    }
    for (int index = 0; index < PodsOf(wish.ranks, ranks_per_pod); ++index) {
      const bool name_taken = pods.contains(PodName(job_id, wish.generation, index));
      if (!living[job_id].contains(index) && !name_taken) {
        plan.make.push_back(Request(job_id, wish, index, ranks_per_pod));
      }
    }
  }
  return plan;
}

}  // namespace ocellus::coordinator
