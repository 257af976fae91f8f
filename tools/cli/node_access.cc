// `node join-token|certificates|revoke`.
#include <memory>

#include "absl/strings/str_cat.h"
#include "tools/cli/commands.h"
#include "tools/cli/terminal.h"
#include "tools/cli/words.h"

namespace ocellus::cli {
namespace {

struct NodeArguments {
  std::string node;
  double hours = 0;
  int uses = 1;
};

void CreateJoinToken(Session* session, const NodeArguments& arguments) {
  v1::CreateJoinTokenRequest request;
  v1::CreateJoinTokenResponse made;
  request.set_node(arguments.node);
  request.set_uses(arguments.uses);
  if (arguments.hours > 0) *request.mutable_lifetime() = HoursToProto(arguments.hours);
  if (!session->Change(session->auth(), &v1::AuthService::Stub::CreateJoinToken, request, &made) ||
      session->PrintMessage(made)) {
    return;
  }
  Print(made.secret() + "\n");
  Note(absl::StrCat("until ", TimeText(made.expire_time()), ", ", arguments.uses,
                    arguments.uses == 1 ? " use" : " uses",
                    "\n  next, on that machine: ", "ocellus-worker --coordinator ",
                    session->server(), " --ca authority.pem --join FILE"));
}

void RevokeNode(Session* session, const NodeArguments& arguments) {
  v1::RevokeNodeRequest request;
  v1::RevokeNodeResponse revoked;
  request.set_node(arguments.node);
  if (session->Change(session->auth(), &v1::AuthService::Stub::RevokeNode, request, &revoked) &&
      !session->PrintMessage(revoked)) {
    Note(absl::StrCat(arguments.node, " is shut out; a new join token lets it in again"));
  }
}

void ListCertificates(Session* session, const NodeArguments& arguments) {
  v1::ListNodeCertificatesRequest request;
  request.set_node(arguments.node);
  v1::ListNodeCertificatesResponse all, page;
  do {
    request.set_page_token(page.next_page_token());
    if (!session->Read(session->auth(), &v1::AuthService::Stub::ListNodeCertificates, request,
                       &page)) {
      return;
    }
    all.mutable_certificates()->MergeFrom(page.certificates());
  } while (!page.next_page_token().empty());
  if (session->PrintMessage(all)) return;
  Table table{{"NODE", "SERIAL", "ISSUED", "EXPIRES", "REVOKED"}, {}};
  for (const v1::NodeCertificate& one : all.certificates()) {
    table.rows.push_back({one.node(), one.serial(), TimeText(one.issue_time()),
                          TimeText(one.expire_time()),
                          one.has_revoke_time() ? TimeText(one.revoke_time()) : "-"});
  }
  Print(Render(table));
}

}  // namespace

void AddNodeAccess(CLI::App* node, Session* session) {
  const auto arguments = std::make_shared<NodeArguments>();
  CLI::App* join = node->add_subcommand("join-token", "A secret that lets a machine join, once");
  join->add_option("NODE", arguments->node, "Which (any); pool-* for any ending");
  join->add_option("--hours", arguments->hours, "How long it is good (1)");
  join->add_option("--uses", arguments->uses, "How many machines may use it (1)")
      ->check(CLI::Range(1, 10'000));
  join->callback([=] { CreateJoinToken(session, *arguments); });
  CLI::App* certificates = node->add_subcommand("certificates", "What was given to nodes");
  certificates->add_option("NODE", arguments->node, "Of one");
  certificates->callback([=] { ListCertificates(session, *arguments); });
  CLI::App* revoke = node->add_subcommand("revoke", "End a node's certificates: shut it out");
  revoke->add_option("NODE", arguments->node, "Which")->required();
  revoke->callback([=] { RevokeNode(session, *arguments); });
}

}  // namespace ocellus::cli
