#include "coordinator/launch/static_workers.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/str_cat.h"

namespace ocellus::coordinator {
namespace {

constexpr uint32_t kFirstPort = 20000;
constexpr uint32_t kPorts = 10000;  // below the kernel's own range for outgoing connections

int PortOf(const std::string& job_id, int64_t generation) {
  uint32_t hash = 2166136261u;  // FNV-1a
  for (unsigned char c : absl::StrCat(job_id, "/", generation)) {
    hash = (hash ^ c) * 16777619u;
  }
  return static_cast<int>(kFirstPort + hash % kPorts);
}

}  // namespace

std::vector<RankSeat> AssignRanks(std::vector<RankSeat> seats) {
  std::sort(seats.begin(), seats.end(), [](const RankSeat& a, const RankSeat& b) {
    return std::tie(a.node, a.gpu) < std::tie(b.node, b.gpu);
  });
  for (size_t i = 0; i < seats.size(); ++i) {
    seats[i].rank = static_cast<int>(i);
  }
  return seats;
}

v1::StartGang MakeStartGang(const GangPlan& plan) {
  v1::StartGang order;
  order.mutable_gang()->set_job_id(plan.job_id);
  order.mutable_gang()->set_generation(plan.generation);
  order.set_job_name(plan.spec.name());
  order.set_project(plan.spec.project());
  order.set_world(static_cast<int>(plan.seats.size()));
  bool one_node = true;
  for (const RankSeat& seat : plan.seats) {
    auto* rank = order.add_ranks();
    rank->set_rank(seat.rank);
    rank->set_node(seat.node);
    rank->set_gpu(seat.gpu);
    one_node = one_node && seat.node == plan.seats.front().node;
  }
  const auto host = plan.hosts.find(plan.seats.front().node);
  order.set_master_addr(
      one_node || host == plan.hosts.end() || host->second.empty() ? "127.0.0.1" : host->second);
  order.set_master_port(one_node ? 0 : PortOf(plan.job_id, plan.generation));
  order.set_resolved_json(plan.resolved_json);
  *order.mutable_checkpoint() = plan.spec.checkpoint();
  order.mutable_restore()->Add(plan.restore.begin(), plan.restore.end());
  order.set_device(plan.seats.front().gpu >= 0 ? v1::DEVICE_CUDA : v1::DEVICE_CPU);
  order.set_store_uri(plan.store_uri);
  order.set_prefix(plan.prefix);
  order.set_fault_interval_s(plan.fault_interval_s);
  return order;
}

}  // namespace ocellus::coordinator
