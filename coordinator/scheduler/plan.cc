#include "coordinator/scheduler/plan.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace ocellus::coordinator {
namespace {

constexpr int kHoldersNamedMax = 5;

enum class Kind { kCpu, kGpu };

const char* Name(Kind kind) { return kind == Kind::kGpu ? "GPU" : "CPU slot"; }

bool IsOf(const SlotView& slot, Kind kind) { return (slot.gpu >= 0) == (kind == Kind::kGpu); }

bool IsOpen(const NodeView& node) { return node.ready && !node.cordoned; }

struct Supply {
  int total = 0;   // on every node known
  int usable = 0;  // on nodes that are ready and not cordoned
  int free = 0;    // of the usable
};

Supply Count(const std::vector<NodeView>& nodes, Kind kind) {
  Supply supply;
  for (const NodeView& node : nodes) {
    for (const SlotView& slot : node.slots) {
      if (!IsOf(slot, kind)) {
        continue;
      }
      ++supply.total;
      supply.usable += IsOpen(node) ? 1 : 0;
      supply.free += IsOpen(node) && slot.user.empty() ? 1 : 0;
    }
  }
  return supply;
}

int FreeOn(const NodeView& node, Kind kind) {
  return static_cast<int>(
      std::count_if(node.slots.begin(), node.slots.end(),
                    [&](const SlotView& slot) { return IsOf(slot, kind) && slot.user.empty(); }));
}

std::string Holders(const std::vector<NodeView>& nodes, Kind kind) {
  std::set<std::string> holders;
  for (const NodeView& node : nodes) {
    for (const SlotView& slot : node.slots) {
      if (IsOpen(node) && IsOf(slot, kind) && !slot.user.empty()) {
        holders.insert(slot.user);
      }
    }
  }
  if (holders.empty()) {
    return "";
  }
  std::vector<std::string> named(holders.begin(), holders.end());
  const size_t rest = named.size() - std::min<size_t>(named.size(), kHoldersNamedMax);
  named.resize(named.size() - rest);
  return absl::StrCat("; held by ", absl::StrJoin(named, ", "),
                      rest > 0 ? absl::StrCat(" and ", rest, " more") : "");
}

// Phase 4 for one gang: the node that fits it most tightly, else the fullest nodes together.
std::optional<Placement> Place(const PendingJob& job, Kind kind, std::vector<NodeView>* nodes) {
  std::vector<NodeView*> open;
  for (NodeView& node : *nodes) {
    if (IsOpen(node) && FreeOn(node, kind) > 0) {
      open.push_back(&node);
    }
  }
  std::sort(open.begin(), open.end(), [&](const NodeView* a, const NodeView* b) {
    const int free_a = FreeOn(*a, kind);
    const int free_b = FreeOn(*b, kind);
    const bool fits_a = free_a >= job.ranks;
    const bool fits_b = free_b >= job.ranks;
    // Those that hold the whole gang first, the tightest of them; then those with most room.
    return std::make_tuple(!fits_a, fits_a ? free_a : -free_a, a->name) <
           std::make_tuple(!fits_b, fits_b ? free_b : -free_b, b->name);
  });
  Placement placement{job.id, {}};
  for (NodeView* node : open) {
    for (SlotView& slot : node->slots) {
      if (static_cast<int>(placement.grants.size()) < job.ranks && IsOf(slot, kind) &&
          slot.user.empty()) {
        placement.grants.push_back({node->name, slot.gpu});
      }
    }
  }
  if (static_cast<int>(placement.grants.size()) < job.ranks) {
    return std::nullopt;
  }
  for (const Grant& grant : placement.grants) {
    auto node = std::find_if(nodes->begin(), nodes->end(),
                             [&](const NodeView& n) { return n.name == grant.node; });
    auto slot = std::find_if(node->slots.begin(), node->slots.end(), [&](const SlotView& s) {
      return s.gpu == grant.gpu && s.user.empty();
    });
    slot->user = job.id;
  }
  return placement;
}

// Phases 3 and 5 for one gang that was not placed. `ahead` is the job that these slots are kept
// for.
Waiting Explain(const PendingJob& job, Kind kind, const std::vector<NodeView>& nodes,
                const std::string& ahead) {
  const Supply supply = Count(nodes, kind);
  const std::string need =
      absl::StrCat("needs ", job.ranks, " ", Name(kind), job.ranks == 1 ? "" : "s");
  if (std::none_of(nodes.begin(), nodes.end(), [](const NodeView& n) { return n.ready; })) {
    return {job.id, v1::JOB_REASON_NO_NODES,
            "no worker is connected; start one with `ocellus-worker` or `ocellus up`"};
  }
  if (supply.total < job.ranks) {
    return {job.id, v1::JOB_REASON_EXCEEDS_CLUSTER_EVER,
            absl::StrCat(need, ", the whole cluster has ", supply.total)};
  }
  if (supply.usable < job.ranks) {
    return {job.id, v1::JOB_REASON_NODES_CORDONED,
            absl::StrCat(need, "; only ", supply.usable, " of ", supply.total,
                         " are on nodes that are ready and not cordoned")};
  }
  if (!ahead.empty()) {
    return {job.id, v1::JOB_REASON_WAITING_FOR_SLOTS,
            absl::StrCat(need, "; ", ahead, " is placed first", Holders(nodes, kind))};
  }
  return {job.id, supply.free > 0 ? v1::JOB_REASON_FRAGMENTED : v1::JOB_REASON_WAITING_FOR_SLOTS,
          absl::StrCat(need, ", ", supply.free, " of ", supply.usable, " are free",
                       Holders(nodes, kind))};
}

}  // namespace

bool WantsGpus(const PendingJob& job, const std::vector<NodeView>& nodes) {
  return job.device == v1::DEVICE_CUDA ||
         (job.device == v1::DEVICE_AUTO && Count(nodes, Kind::kGpu).total >= job.ranks);
}

namespace {

Kind KindOf(const PendingJob& job, const std::vector<NodeView>& nodes) {
  return WantsGpus(job, nodes) ? Kind::kGpu : Kind::kCpu;
}

}  // namespace

Plan MakePlan(Snapshot snapshot) {
  Plan plan;

  // 1. Rest.
  std::vector<PendingJob> queue;
  for (PendingJob& job : snapshot.pending) {
    if (job.backoff_until > snapshot.now) {
      plan.waiting.push_back({job.id, v1::JOB_REASON_BACKOFF, job.waiting_message});
    } else {
      queue.push_back(std::move(job));
    }
  }

  // 2. Order.
  std::sort(queue.begin(), queue.end(), [](const PendingJob& a, const PendingJob& b) {
    return std::tie(b.priority, a.queued, a.id) < std::tie(a.priority, b.queued, b.id);
  });

  // 3. Bounds, 4. place, 5. explain.
  std::vector<NodeView> shared;
  std::map<std::string, std::vector<NodeView>> made_for;  // by job
  for (NodeView& node : snapshot.nodes) {
    (node.only_for.empty() ? shared : made_for[node.only_for]).push_back(std::move(node));
  }
  std::string first_waiting[2];  // by kind: its slots are kept for this job
  for (const PendingJob& job : queue) {
    std::vector<NodeView>& own = made_for[job.id];
    std::optional<Placement> placement = Place(job, KindOf(job, own), &own);
    const Kind kind = KindOf(job, shared);
    std::string& ahead = first_waiting[static_cast<int>(kind)];
    if (!placement.has_value() && ahead.empty()) {
      placement = Place(job, kind, &shared);
    }
    if (placement.has_value()) {
      plan.placements.push_back(*std::move(placement));
      continue;
    }
    plan.waiting.push_back(Explain(job, kind, shared, ahead));
    if (ahead.empty() && Count(shared, kind).usable >= job.ranks) {
      ahead = job.id;
    }
  }
  return plan;
}

}  // namespace ocellus::coordinator
