// A TCP port for rank 0 of a one-node gang to listen on.
#pragma once

#include <set>

#include "absl/status/statusor.h"

namespace ocellus::agent {

// Free on loopback now, not in `taken`, and below the range from which the kernel takes ports for
// outgoing connections, so that it stays free until rank 0 binds it. RESOURCE_EXHAUSTED when 200
// random tries find none.
absl::StatusOr<int> FreePort(const std::set<int>& taken);

}  // namespace ocellus::agent
