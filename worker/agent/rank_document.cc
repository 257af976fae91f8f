#include "worker/agent/rank_document.h"

#include "absl/strings/str_cat.h"
#include "worker/store/store_uri.h"

namespace ocellus::agent {
namespace {

constexpr char kLoopback[] = "127.0.0.1";

std::vector<wire::RestorePoint> RestoreOf(const v1::StartGang& order) {
  std::vector<wire::RestorePoint> restore;
  for (const v1::Checkpoint& checkpoint : order.restore()) {
    const auto key = store::KeyIn(order.store_uri(), checkpoint.uri());
    restore.push_back({checkpoint.step(), key.value_or(checkpoint.uri())});
  }
  return restore;
}

wire::CheckpointSettings CheckpointOf(const v1::StartGang& order) {
  const v1::CheckpointPolicy& policy = order.checkpoint();
  wire::CheckpointSettings settings;
  settings.every_steps = policy.every_steps();
  settings.keep = policy.keep();
  settings.keep_every_steps = policy.keep_every_steps();
  settings.keep_best = policy.keep_best();
  settings.best_metric = policy.best_metric();
  settings.auto_interval = policy.auto_interval();
  settings.fault_interval_s = order.fault_interval_s();
  settings.memory_copy = policy.memory_copy();
  settings.memory_every_steps = policy.memory_every_steps();
  return settings;
}

// What all ranks share.
wire::Document Template(const v1::StartGang& order, int master_port, int threads) {
  wire::Document document;
  document.job = order.gang().job_id();
  document.name = order.job_name();
  document.project = order.project();
  document.generation = order.gang().generation();
  document.world = order.world();
  document.master_addr = order.master_addr().empty() ? kLoopback : order.master_addr();
  document.master_port = master_port;
  document.threads = threads;
  document.store = order.store_uri();
  document.prefix = order.prefix();
  document.checkpoint = CheckpointOf(order);
  document.restore = RestoreOf(order);
  return document;
}

}  // namespace

std::vector<v1::RankPlacement> OwnRanks(const v1::StartGang& order, const std::string& node) {
  std::vector<v1::RankPlacement> own;
  for (const v1::RankPlacement& placement : order.ranks()) {
    if (placement.node() == node) own.push_back(placement);
  }
  return own;
}

absl::StatusOr<std::vector<wire::Document>> Documents(const v1::StartGang& order,
                                                      const std::string& node, int master_port,
                                                      int threads) {
  const std::vector<v1::RankPlacement> own = OwnRanks(order, node);
  const bool one_node = static_cast<int>(own.size()) == order.world();
  if (!one_node && (order.master_addr().empty() || order.master_port() == 0)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "the order gives no master address and port, but ", order.world() - own.size(), " of ",
        order.world(), " ranks are elsewhere: is the coordinator of the same release?"));
  }
  if (master_port == 0) {
    return absl::ResourceExhaustedError("no free port for rank 0 to listen on");
  }
  wire::Document document = Template(order, master_port, threads);
  document.spec = nlohmann::json::parse(order.resolved_json(), nullptr, /*allow_exceptions=*/false);
  if (!document.spec.is_object()) {
    return absl::InvalidArgumentError("the order's resolved document is not a JSON object");
  }
  std::vector<wire::Document> documents;
  for (const v1::RankPlacement& placement : own) {
    document.rank = placement.rank();
    document.local_rank = static_cast<int>(documents.size());
    document.gpu = placement.gpu();
    document.device = placement.gpu() >= 0 ? "cuda" : "cpu";
    documents.push_back(document);
  }
  return documents;
}

}  // namespace ocellus::agent
