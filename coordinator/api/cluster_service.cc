#include "coordinator/api/cluster_service.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "coordinator/api/call.h"
#include "coordinator/api/job_view.h"
#include "coordinator/base/protocol.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/job/transitions.h"
#include "coordinator/state/events.h"
#include "coordinator/state/gangs.h"
#include "coordinator/state/jobs.h"

namespace ocellus::coordinator {
namespace {

v1::Node ViewNode(const NodeStatus& status, const std::vector<Occupied>& ranks,
                  const std::set<std::string>& visible, const Clock& clock) {
  v1::Node node;
  node.set_name(status.row.name);
  node.set_state(status.suspect || !status.connected ? v1::NODE_STATE_SUSPECT : status.row.state);
  node.set_cpu_slots(status.row.inventory.cpu_slots());
  node.set_gpus(status.row.inventory.gpus_size());
  node.set_used_slots(static_cast<int>(ranks.size()));
  *node.mutable_last_heartbeat() = ToProto(clock.Now() - (clock.Monotonic() - status.last_heard));
  node.set_metrics_address(status.row.metrics_address);
  node.set_version(status.row.version);
  std::set<std::string> jobs;
  for (const Occupied& rank : ranks) {
    if (visible.contains(rank.job_id)) jobs.insert(rank.job_id);
  }
  node.mutable_jobs()->Add(jobs.begin(), jobs.end());
  return node;
}

}  // namespace

grpc::Status NodeService::ListNodes(grpc::ServerContext* context,
                                    const v1::ListNodesRequest* request,
                                    v1::ListNodesResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(const int64_t first, ParsePageToken(request->page_token()));
    std::map<std::string, std::vector<Occupied>> occupied;
    std::set<std::string> visible;
    OCELLUS_RETURN_IF_ERROR(parts_.store->Read([&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(occupied, OccupiedSlots(db));
      OCELLUS_ASSIGN_OR_RETURN(visible, VisibleHolders(db, caller, occupied));
      return absl::OkStatus();
    }));
    const std::vector<NodeStatus> nodes = parts_.fleet->Nodes();
    const int64_t end = first + PageSize(request->page_size());
    for (int64_t i = first; i < std::min<int64_t>(end, nodes.size()); ++i) {
      *response->add_nodes() =
          ViewNode(nodes[i], occupied[nodes[i].row.name], visible, *parts_.clock);
    }
    if (end < static_cast<int64_t>(nodes.size())) {
      response->set_next_page_token(absl::StrCat(end));
    }
    return absl::OkStatus();
  });
}

grpc::Status AdminService::GetStatus(grpc::ServerContext* context,
                                     const v1::GetStatusRequest* request,
                                     v1::GetStatusResponse* response) {
  return Answer(parts_, *context, *request, [&](const Caller& caller) -> absl::Status {
    std::map<std::string, std::vector<Occupied>> occupied;
    JobCounts counts;
    OCELLUS_RETURN_IF_ERROR(parts_.store->Read([&](Database& db) -> absl::Status {
      OCELLUS_ASSIGN_OR_RETURN(occupied, OccupiedSlots(db));
      OCELLUS_ASSIGN_OR_RETURN(counts, CountJobs(db));
      return absl::OkStatus();
    }));
    response->set_version(kVersion);
    response->set_protocol(kProtocol);
    *response->mutable_start_time() = ToProto(start_time_);
    int ready = 0, total = 0, slots = 0, used = 0;
    for (const NodeStatus& node : parts_.fleet->Nodes()) {
      ++total;
      ready += node.connected && !node.suspect ? 1 : 0;
      slots += node.row.inventory.cpu_slots() + node.row.inventory.gpus_size();
      used += static_cast<int>(occupied[node.row.name].size());
    }
    response->set_nodes_ready(ready);
    response->set_nodes_total(total);
    response->set_slots_used(used);
    response->set_slots_total(slots);
    for (const auto& [key, count] : counts.by_state) {
      if (caller.Has(v1::ROLE_VIEWER, key.first)) {
        (*response->mutable_jobs())[ShortName(key.second)] += static_cast<int>(count);
      }
    }
    response->set_metrics_address(parts_.metrics_address);
    response->set_store_uri(parts_.ledger->store_uri());
    return absl::OkStatus();
  });
}

}  // namespace ocellus::coordinator
