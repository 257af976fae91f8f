// What the API server sends: lines of a watch, with pods in them, and pods by themselves.
#include <nlohmann/json.hpp>

#include "coordinator/launch/kube_client.h"
#include "coordinator/launch/pod_state.h"
#include "tests/fuzz/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace coordinator = ocellus::coordinator;
  const std::string text = ocellus::TextOf(data, size);
  if (const auto event = coordinator::ParseWatchEvent(text); event.ok()) {
    (void)coordinator::ReadPod(event->object);
  }
  if (const auto object = coordinator::ParseKubeObject(text); object.ok()) {
    (void)coordinator::ReadPod(*object);
  }
  return 0;
}
