// Pods as the API server showed them (recorded), pods as we make them, and which to make.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "coordinator/launch/pod_plan.h"
#include "coordinator/launch/pod_state.h"
#include "coordinator/launch/pod_template.h"

namespace ocellus::coordinator {
namespace {

using Json = nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// Of kube-apiserver 1.36, shortened.
constexpr char kUnschedulable[] = R"({"metadata": {"name": "j-abc-g2-1", "uid": "u-1",
  "resourceVersion": "812", "labels": {"ocellus.dev/launcher": "ocellus", "ocellus.dev/job":
  "j-abc", "ocellus.dev/generation": "2", "ocellus.dev/index": "1"}}, "status": {"phase":
  "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
  "message": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."}]}})";
constexpr char kCrashing[] = R"({"metadata": {"name": "j-abc-g2-0", "uid": "u-0",
  "deletionTimestamp": "2026-01-31T12:00:00Z", "annotations": {"ocellus.dev/serves-generation":
  "3"}, "labels": {"ocellus.dev/job": "j-abc", "ocellus.dev/generation": "2",
  "ocellus.dev/index": "0"}}, "status": {"phase": "Running", "containerStatuses": [{"name":
  "worker", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}}}]}})";

TEST(PodStateTest, SaysWhyAPodDoesNotRun) {
  const auto waits = ReadPod(Json::parse(kUnschedulable));
  ASSERT_TRUE(waits.ok()) << waits.status();
  EXPECT_EQ(waits->name, PodName("j-abc", 2, 1));
  EXPECT_EQ(waits->generation, 2);
  EXPECT_EQ(waits->index, 1);
  EXPECT_FALSE(waits->deleting);
  EXPECT_THAT(waits->trouble, HasSubstr("Insufficient nvidia.com/gpu"));
  const auto crashes = ReadPod(Json::parse(kCrashing));
  ASSERT_TRUE(crashes.ok());
  EXPECT_TRUE(crashes->deleting);
  EXPECT_EQ(crashes->serves, 3);
  EXPECT_THAT(crashes->trouble, HasSubstr("CrashLoopBackOff back-off 40s"));
}

TEST(PodStateTest, RefusesWhatIsNotOurs) {
  for (const char* path : {"/metadata/name", "/metadata/uid", "/metadata/labels/ocellus.dev~1job",
                           "/metadata/labels/ocellus.dev~1index"}) {
    Json pod = Json::parse(kUnschedulable);
    pod[Json::json_pointer(path)] = 7;
    EXPECT_FALSE(ReadPod(pod).ok()) << path;
  }
  for (const char* text :
       {"null", "[]", "{}", "{\"metadata\": []}", "{\"metadata\": {\"labels\": 1}}"}) {
    EXPECT_FALSE(ReadPod(Json::parse(text)).ok()) << text;
  }
}

constexpr char kTemplate[] = R"(
metadata: {labels: {app: ocellus}, name: not-this-one}
spec:
  priorityClassName: training
  tolerations: [{key: nvidia.com/gpu, operator: Exists}]
  containers:
    - {name: sidecar, image: s}
    - name: worker
      image: w
      env: [{name: OCELLUS_NODE, value: old}, {name: NCCL_DEBUG, value: WARN}]
      resources:
        requests: {cpu: 1500m, memory: 8Gi, nvidia.com/gpu: 3}
        limits: {memory: 16Gi}
)";

PodRequest Request(int ranks) {
  PodRequest request;
  request.job_id = "j-abc";
  request.job_name = "demo";
  request.generation = 4;
  request.index = 2;
  request.ranks = ranks;
  request.gpus = true;
  request.topology = "rack-7";
  return request;
}

Json Made(const PodRequest& request) {
  const auto parsed = ParsePodTemplate(kTemplate, "pod.yaml");
  EXPECT_TRUE(parsed.ok()) << parsed.status();
  PodSettings settings;
  settings.name_space = "train";
  return MakePod(*parsed, settings, request, {{"kind", "StatefulSet"}, {"uid", "u"}});
}

TEST(PodTemplateTest, AddsWhatAGangNeeds) {
  const Json pod = Made(Request(2));
  EXPECT_EQ(pod["metadata"]["name"], "j-abc-g4-2");
  EXPECT_EQ(pod["metadata"]["namespace"], "train");
  EXPECT_EQ(pod["metadata"]["labels"]["app"], "ocellus");
  EXPECT_EQ(pod["metadata"]["labels"]["ocellus.dev/job"], "j-abc");
  EXPECT_EQ(pod["metadata"]["ownerReferences"][0]["uid"], "u");
  EXPECT_EQ(pod["spec"]["priorityClassName"], "training");
  EXPECT_EQ(pod["spec"]["restartPolicy"], "OnFailure");
  const Json& worker = pod["spec"]["containers"][1];
  EXPECT_EQ(worker["resources"],
            Json::parse(R"({"requests": {"cpu": "3000m", "memory": "16Gi", "nvidia.com/gpu": "2"},
                            "limits": {"memory": "32Gi", "nvidia.com/gpu": "2"}})"));
  std::map<std::string, Json> env;
  for (const Json& variable : worker["env"]) {
    EXPECT_TRUE(env.emplace(variable["name"], variable.value("value", "")).second);
  }
  EXPECT_EQ(env["OCELLUS_NODE"], "j-abc-g4-2");
  EXPECT_EQ(env["OCELLUS_JOB"], "j-abc");
  EXPECT_EQ(env["OCELLUS_CPU_SLOTS"], "0");
  EXPECT_EQ(env["NCCL_DEBUG"], "WARN");
  const Json& node = pod["spec"]["affinity"]["nodeAffinity"]
                        ["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"][0];
  EXPECT_EQ(node["matchExpressions"][0]["values"][0], "rack-7");
}

TEST(PodTemplateTest, CpuJobsWantNoGpu) {
  PodRequest request = Request(3);
  request.gpus = false;
  request.cpu_slots = true;
  request.topology = "";
  const Json pod = Made(request);
  const Json& resources = pod["spec"]["containers"][1]["resources"];
  EXPECT_EQ(resources["requests"], Json::parse(R"({"cpu": "4500m", "memory": "24Gi"})"));
  EXPECT_FALSE(pod["spec"]["affinity"].contains("nodeAffinity"));
}

// A node affinity that is none becomes one, rather than the end of the program.
TEST(PodTemplateTest, OddTermsOfAffinityAreReplaced) {
  const auto odd = ParsePodTemplate(
      "spec: {containers: [{name: w}], affinity: {nodeAffinity: "
      "{requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [x, 7]}}}}",
      "pod.yaml");
  ASSERT_TRUE(odd.ok()) << odd.status();
  const Json pod = MakePod(*odd, PodSettings(), Request(1), Json());
  const Json& terms = pod["spec"]["affinity"]["nodeAffinity"]
                         ["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"];
  ASSERT_EQ(terms.size(), 2u);
  EXPECT_EQ(terms[1]["matchExpressions"][0]["values"][0], "rack-7");
}

TEST(PodTemplateTest, RefusesATemplateWithoutContainers) {
  for (const char* text : {"", "[]", "spec: {}", "spec: {containers: []}",
                           "spec: {containers: [1]}", "a: [", "spec: {containers: {}}"}) {
    EXPECT_FALSE(ParsePodTemplate(text, "pod.yaml").ok()) << text;
  }
}

TEST(PodTemplateTest, MultipliesQuantities) {
  EXPECT_EQ(TimesQuantity("1500m", 4), "6000m");
  EXPECT_EQ(TimesQuantity("64Gi", 2), "128Gi");
  EXPECT_EQ(TimesQuantity("0.5", 3), "1.5");
  EXPECT_EQ(TimesQuantity("2", 8), "16");
  EXPECT_EQ(TimesQuantity("lots", 8), "lots");
}

PodState Pod(int64_t generation, int index) {
  PodState pod;
  pod.name = PodName("j-abc", generation, index);
  pod.uid = "uid-" + pod.name;
  pod.job_id = "j-abc";
  pod.generation = generation;
  pod.index = index;
  pod.phase = "Running";
  return pod;
}

Pods Of(const std::vector<PodState>& list) {
  Pods pods;
  for (const PodState& pod : list) {
    pods[pod.name] = pod;
  }
  return pods;
}

LaunchWishes Pending(int64_t generation, int ranks) {
  LaunchWishes wishes;
  WorkerWish& wish = wishes.pending["j-abc"];
  wish.generation = generation;
  wish.ranks = ranks;
  return wishes;
}

std::vector<std::string> Made(const PodPlan& plan) {
  std::vector<std::string> names;
  for (const PodRequest& request : plan.make) {
    names.push_back(PodName(request.job_id, request.generation, request.index) + "x" +
                    std::to_string(request.ranks));
  }
  return names;
}

std::vector<std::string> Removed(const PodPlan& plan) {
  std::vector<std::string> names;
  for (const PodDeletion& deletion : plan.remove) {
    EXPECT_EQ(deletion.uid, "uid-" + deletion.name);
    names.push_back(deletion.name);
  }
  return names;
}

TEST(PodPlanTest, AsksForWholeGangs) {
  const PodPlan plan = PlanPods(Pending(1, 10), {}, 4);
  EXPECT_THAT(Made(plan), ElementsAre("j-abc-g1-0x4", "j-abc-g1-1x4", "j-abc-g1-2x2"));
  EXPECT_THAT(plan.remove, IsEmpty());
}

TEST(PodPlanTest, WhatLivesIsKeptAndTheRestMadeAnew) {
  PodState ended = Pod(1, 1);
  ended.phase = "Failed";
  PodState leaving = Pod(1, 2);
  leaving.deleting = true;
  LaunchWishes wishes = Pending(2, 4);
  wishes.lost = {"j-abc-g1-3"};
  const PodPlan plan = PlanPods(wishes, Of({Pod(1, 0), ended, leaving, Pod(1, 3)}), 1);
  EXPECT_THAT(Made(plan), ElementsAre("j-abc-g2-1x1", "j-abc-g2-2x1", "j-abc-g2-3x1"));
  EXPECT_THAT(Removed(plan), ElementsAre("j-abc-g1-1", "j-abc-g1-3"));
}

TEST(PodPlanTest, ANameIsFreeOnlyWhenItsPodIsGone) {
  PodState leaving = Pod(1, 0);
  leaving.deleting = true;
  const PodPlan plan = PlanPods(Pending(1, 1), Of({leaving}), 1);
  EXPECT_THAT(plan.make, IsEmpty());
  EXPECT_THAT(plan.remove, IsEmpty());
}

TEST(PodPlanTest, OfTwoWithOneIndexTheNewerStays) {
  EXPECT_THAT(Removed(PlanPods(Pending(3, 1), Of({Pod(1, 0), Pod(2, 0)}), 1)),
              ElementsAre("j-abc-g1-0"));
}

TEST(PodPlanTest, ARunningGangKeepsItsPodsEvenUnheard) {
  LaunchWishes wishes;
  wishes.running["j-abc"] = {2, {"j-abc-g1-0", "j-abc-g2-1"}};
  wishes.lost = {"j-abc-g2-1"};
  const PodPlan plan = PlanPods(wishes, Of({Pod(1, 0), Pod(1, 1), Pod(2, 1)}), 1);
  EXPECT_THAT(Removed(plan), ElementsAre("j-abc-g1-1"));
  EXPECT_THAT(plan.make, IsEmpty());
  ASSERT_EQ(plan.mark.size(), 2u);
  EXPECT_EQ(plan.mark[0].serves, 2);
}

TEST(PodPlanTest, NothingIsLeftOfAJobThatNobodyWants) {
  EXPECT_THAT(Removed(PlanPods({}, Of({Pod(1, 0), Pod(2, 1)}), 1)),
              ElementsAre("j-abc-g1-0", "j-abc-g2-1"));
  EXPECT_THAT(Removed(PlanPods(Pending(2, 1), Of({Pod(1, 0), Pod(1, 5)}), 1)),
              ElementsAre("j-abc-g1-5"));
}

}  // namespace
}  // namespace ocellus::coordinator
