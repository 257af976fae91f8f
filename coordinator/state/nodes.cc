#include "coordinator/state/nodes.h"

#include "coordinator/base/status_macros.h"

namespace ocellus::coordinator {

absl::StatusOr<std::vector<NodeRow>> ReadNodes(Database& db) {
  Statement rows = db.Query(
      "SELECT name, epoch, instance, state, inventory, metrics_address, version, strikes, "
      "last_seen "
      "FROM nodes ORDER BY name");
  std::vector<NodeRow> nodes;
  while (rows.Next()) {
    NodeRow& node = nodes.emplace_back();
    node.name = rows.Text(0);
    node.epoch = rows.Int(1);
    node.instance = rows.Text(2);
    node.state = static_cast<v1::NodeState>(rows.Int(3));
    node.inventory.ParseFromString(rows.Text(4));
    node.metrics_address = rows.Text(5);
    node.version = rows.Text(6);
    node.strikes = static_cast<int>(rows.Int(7));
    node.last_seen = rows.Time(8);
  }
  OCELLUS_RETURN_IF_ERROR(rows.status());
  return nodes;
}

absl::Status WriteNode(Database& db, const NodeRow& node) {
  return db.Run(
      "INSERT OR REPLACE INTO nodes (name, epoch, instance, state, inventory, metrics_address, "
      "version, strikes, last_seen) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      node.name, node.epoch, node.instance, node.state, Blob{node.inventory.SerializeAsString()},
      node.metrics_address, node.version, node.strikes, node.last_seen);
}

absl::Status DeleteNode(Database& db, const std::string& name) {
  return db.Run("DELETE FROM nodes WHERE name = ?", name);
}

}  // namespace ocellus::coordinator
