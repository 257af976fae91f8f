// A pod as the API server sends it, in an answer or in an event of a watch.
#include <nlohmann/json.hpp>

#include "coordinator/launch/pod_state.h"
#include "tests/fuzz/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto object =
      nlohmann::json::parse(ocellus::TextOf(data, size), nullptr, /*allow_exceptions=*/false);
  if (!object.is_discarded()) {
    (void)ocellus::coordinator::ReadPod(object);
    if (object.is_object()) {
      const auto inner = object.find("object");
      if (inner != object.end()) (void)ocellus::coordinator::ReadPod(*inner);
    }
  }
  return 0;
}
