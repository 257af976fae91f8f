// `audit`: who changed what.
#include <memory>

#include "tools/cli/commands.h"
#include "tools/cli/words.h"

namespace ocellus::cli {
namespace {

struct AuditArguments {
  std::string project, actor;
  int lines = 50;
};

void ListAudit(Session* session, const AuditArguments& arguments) {
  v1::ListAuditRequest request;
  request.set_project(arguments.project);
  request.set_actor(arguments.actor);
  v1::ListAuditResponse all, page;
  do {
    request.set_page_size(std::min(kPageSize, arguments.lines - all.entries_size()));
    request.set_page_token(page.next_page_token());
    if (!session->Read(session->auth(), &v1::AuthService::Stub::ListAudit, request, &page)) return;
    all.mutable_entries()->MergeFrom(page.entries());
  } while (!page.next_page_token().empty() && all.entries_size() < arguments.lines);
  if (session->PrintMessage(all)) return;
  const bool wide = session->output() == Output::kWide;
  Table table{{"AT", "ACTOR", "METHOD", "PROJECT", "RESULT", "REQUEST-ID"}, {}};
  if (wide) table.header.insert(table.header.end(), {"PEER", "REQUEST", "MESSAGE"});
  for (auto entry = all.entries().rbegin(); entry != all.entries().rend(); ++entry) {
    table.rows.push_back({TimeText(entry->at()), entry->actor(), entry->method(), entry->project(),
                          entry->result(), entry->request_id()});
    if (wide) {
      table.rows.back().insert(table.rows.back().end(),
                               {entry->peer(), entry->request(), entry->message()});
    }
  }
  Print(Render(table));
}

}  // namespace

void AddAudit(CLI::App* app, Session* session) {
  const auto arguments = std::make_shared<AuditArguments>();
  CLI::App* command = app->add_subcommand("audit", "Who changed what: newest last (-o wide: all)");
  command->add_option("--project", arguments->project, "Of one project (all: admins of '*')");
  command->add_option("--actor", arguments->actor, "Of one: user:alice, agent:node-1");
  command->add_option("--lines", arguments->lines, "How many (50)")->check(CLI::Range(1, 100'000));
  command->callback([=] { ListAudit(session, *arguments); });
}

}  // namespace ocellus::cli
