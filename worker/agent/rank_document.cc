#include "worker/agent/rank_document.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace ocellus::agent {
namespace {

constexpr char kLoopback[] = "127.0.0.1";

std::vector<wire::RestorePoint> RestoreOf(const v1::StartGang& order) {
  std::vector<wire::RestorePoint> restore;
  for (const v1::Checkpoint& checkpoint : order.restore()) {
    absl::string_view uri = checkpoint.uri();
    if (absl::ConsumePrefix(&uri, order.store_uri())) absl::ConsumePrefix(&uri, "/");
    restore.push_back({checkpoint.step(), std::string(uri)});
  }
  return restore;
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
  document.checkpoint = {order.checkpoint().every_steps(), order.checkpoint().keep(),
                         order.checkpoint().keep_every_steps(), wire::Commit::kAgent};
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
