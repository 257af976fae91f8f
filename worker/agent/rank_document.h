// From the coordinator's order to the document on each rank's stdin.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "ocellus/v1/worker.pb.h"
#include "worker/wire/document.h"

namespace ocellus::agent {

// The placements of `order` that are this node's, in the order's order.
std::vector<v1::RankPlacement> OwnRanks(const v1::StartGang& order, const std::string& node);

// The documents of OwnRanks. `master_port`: of the order, or chosen here; `threads`: of a rank.
// INVALID_ARGUMENT when the order makes no sense (no JSON, ranks of other nodes and no address);
// RESOURCE_EXHAUSTED when the port is 0.
absl::StatusOr<std::vector<wire::Document>> Documents(const v1::StartGang& order,
                                                      const std::string& node, int master_port,
                                                      int threads);

}  // namespace ocellus::agent
