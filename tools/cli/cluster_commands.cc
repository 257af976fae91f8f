// `node` and `cluster`.
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tools/cli/commands.h"
#include "tools/cli/job_text.h"
#include "tools/cli/terminal.h"
#include "tools/cli/words.h"

namespace ocellus::cli {
namespace {

void ListNodes(Session* session) {
  v1::ListNodesRequest request;
  request.set_page_size(kPageSize);
  v1::ListNodesResponse all, page;
  do {
    request.set_page_token(page.next_page_token());
    if (!session->Read(session->nodes(), &v1::NodeService::Stub::ListNodes, request, &page)) {
      return;
    }
    all.mutable_nodes()->MergeFrom(page.nodes());
  } while (!page.next_page_token().empty());
  if (session->PrintMessage(all)) {
    return;
  }
  if (session->output() == Output::kName) {
    for (const v1::Node& node : all.nodes()) Print(node.name() + "\n");
    return;
  }
  if (all.nodes().empty()) {
    return Note(absl::StrCat("no node has joined\n  next: ocellus-worker --coordinator ",
                             session->server(), " --help"));
  }
  Print(Render(NodeTable({all.nodes().begin(), all.nodes().end()},
                         session->output() == Output::kWide, absl::Now())));
}

void Status(Session* session) {
  v1::GetStatusResponse status;
  if (!session->Read(session->admin(), &v1::AdminService::Stub::GetStatus, v1::GetStatusRequest(),
                     &status) ||
      session->PrintMessage(status)) {
    return;
  }
  std::string jobs;
  for (const auto& [state, count] : status.jobs()) {
    if (count > 0) absl::StrAppend(&jobs, jobs.empty() ? "" : ", ", count, " ", state);
  }
  Print(absl::StrCat("coordinator  ", session->server(), "  ocellus ", status.version(),
                     " (protocol ", status.protocol(), "), up ",
                     AgeText(status.start_time(), absl::Now()), "\n",  //
                     "nodes        ", status.nodes_ready(), " of ", status.nodes_total(),
                     " ready\n", "slots        ", status.slots_used(), " of ", status.slots_total(),
                     " in use\n", "jobs         ", jobs.empty() ? "none" : jobs, "\n",  //
                     "metrics      http://", status.metrics_address(), "/metrics\n",
                     "store        ", status.store_uri(), "\n"));
}

}  // namespace

void AddNode(CLI::App* app, Session* session) {
  CLI::App* group = app->add_subcommand("node", "Look at the machines");
  group->require_subcommand(1);
  group->add_subcommand("list", "All nodes")->callback([session] { ListNodes(session); });
  AddNodeAccess(group, session);
}

void AddCluster(CLI::App* app, Session* session) {
  CLI::App* group = app->add_subcommand("cluster", "Look at the cluster");
  group->require_subcommand(1);
  group->add_subcommand("status", "Coordinator, nodes, slots and jobs in a few lines")
      ->callback([session] { Status(session); });
}

}  // namespace ocellus::cli
