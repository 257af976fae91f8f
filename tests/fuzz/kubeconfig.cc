// A kubeconfig, as people and tools write them. What is accepted keeps its promises.
#include <cstdlib>

#include "absl/strings/match.h"
#include "coordinator/launch/kube_config.h"
#include "tests/fuzz/text.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto config =
      ocellus::coordinator::ParseKubeconfig(ocellus::TextOf(data, size), "/etc/kube/config");
  if (!config.ok()) return 0;
  const bool in_clear = absl::StartsWith(config->server, "http://") &&
                        !absl::StartsWith(config->server, "http://127.") &&
                        !absl::StartsWith(config->server, "http://localhost") &&
                        !absl::StartsWith(config->server, "http://[::1]");
  if (in_clear || config->name_space.empty() ||
      config->certificate.empty() != config->key.empty()) {
    std::abort();
  }
  return 0;
}
