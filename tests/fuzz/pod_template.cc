// A pod template, as operators write them into the chart, and the pod made from it, which must be
// ours whatever the template says.
#include "coordinator/launch/pod_template.h"

#include <cstdlib>

#include "coordinator/launch/pod_state.h"
#include "tests/fuzz/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace coordinator = ocellus::coordinator;
  const auto parsed =
      coordinator::ParsePodTemplate(ocellus::TextOf(data, size), "/etc/ocellus/pod.yaml");
  if (!parsed.ok()) return 0;
  coordinator::PodRequest request;
  request.job_id = "j-0123456789ab";
  request.job_name = "demo";
  request.generation = 3;
  request.ranks = 4;
  request.gpus = size % 2 == 0;
  request.topology = size % 3 == 0 ? "rack-1" : "";
  const auto pod = coordinator::MakePod(*parsed, coordinator::PodSettings(), request,
                                        {{"kind", "StatefulSet"}, {"uid", "u"}});
  const std::string sent = pod.dump();
  const auto& labels = pod["metadata"]["labels"];
  if (sent.empty() || labels[coordinator::kJobLabel] != request.job_id ||
      pod["metadata"]["name"] != coordinator::PodName(request.job_id, 3, 0)) {
    std::abort();
  }
  return 0;
}
