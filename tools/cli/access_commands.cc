// `token` and `role`.
#include <memory>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tools/cli/commands.h"
#include "tools/cli/terminal.h"
#include "tools/cli/words.h"

namespace ocellus::cli {
namespace {

struct AccessArguments {
  std::string principal, project, role, id, label, method;
  double hours = 0;
};
using Shared = std::shared_ptr<AccessArguments>;

v1::Role RoleFrom(const std::string& text) {
  v1::Role role = v1::ROLE_UNSPECIFIED;
  v1::Role_Parse(absl::StrCat("ROLE_", absl::AsciiStrToUpper(text)), &role);
  return role;
}

void CreateToken(Session* session, const AccessArguments& arguments) {
  v1::CreateTokenRequest request;
  v1::CreateTokenResponse made;
  request.set_principal(arguments.principal);
  request.set_label(arguments.label);
  if (arguments.hours > 0) *request.mutable_lifetime() = HoursToProto(arguments.hours);
  if (!session->Change(session->auth(), &v1::AuthService::Stub::CreateToken, request, &made) ||
      session->PrintMessage(made)) {
    return;
  }
  Print(made.secret() + "\n");
  Note(absl::StrCat("token ", made.token().id(), " of ", made.token().principal(), ", until ",
                    TimeText(made.token().expire_time()), "; it is not shown again"));
}

void ListTokens(Session* session) {
  v1::ListTokensRequest request;
  v1::ListTokensResponse all, page;
  do {
    request.set_page_token(page.next_page_token());
    if (!session->Read(session->auth(), &v1::AuthService::Stub::ListTokens, request, &page)) return;
    all.mutable_tokens()->MergeFrom(page.tokens());
  } while (!page.next_page_token().empty());
  if (session->PrintMessage(all)) return;
  Table table{{"ID", "PRINCIPAL", "LABEL", "CREATED", "EXPIRES", "REVOKED"}, {}};
  for (const v1::Token& token : all.tokens()) {
    table.rows.push_back({token.id(), token.principal(), token.label(),
                          TimeText(token.create_time()),
                          token.has_expire_time() ? TimeText(token.expire_time()) : "never",
                          token.has_revoke_time() ? TimeText(token.revoke_time()) : "-"});
  }
  Print(Render(table));
}

void RevokeToken(Session* session, const AccessArguments& arguments) {
  v1::RevokeTokenRequest request;
  v1::RevokeTokenResponse revoked;
  request.set_id(arguments.id);
  if (session->Change(session->auth(), &v1::AuthService::Stub::RevokeToken, request, &revoked) &&
      !session->PrintMessage(revoked)) {
    Note(absl::StrCat("token ", arguments.id, " is revoked"));
  }
}

void GrantRole(Session* session, const AccessArguments& arguments) {
  v1::GrantRoleRequest request;
  v1::GrantRoleResponse granted;
  request.set_principal(arguments.principal);
  request.set_project(arguments.project);
  request.set_role(RoleFrom(arguments.role));
  if (session->Change(session->auth(), &v1::AuthService::Stub::GrantRole, request, &granted) &&
      !session->PrintMessage(granted)) {
    Note(absl::StrCat(arguments.principal, " is ", arguments.role, " in ", arguments.project));
  }
}

void RevokeRole(Session* session, const AccessArguments& arguments) {
  v1::RevokeRoleRequest request;
  v1::RevokeRoleResponse revoked;
  request.set_principal(arguments.principal);
  request.set_project(arguments.project);
  if (session->Change(session->auth(), &v1::AuthService::Stub::RevokeRole, request, &revoked) &&
      !session->PrintMessage(revoked)) {
    Note(absl::StrCat(arguments.principal, " has no role in ", arguments.project, " any more"));
  }
}

void ListRoles(Session* session, const AccessArguments& arguments) {
  v1::ListRolesRequest request;
  request.set_project(arguments.project);
  v1::ListRolesResponse all, page;
  do {
    request.set_page_token(page.next_page_token());
    if (!session->Read(session->auth(), &v1::AuthService::Stub::ListRoles, request, &page)) return;
    all.mutable_bindings()->MergeFrom(page.bindings());
  } while (!page.next_page_token().empty());
  if (session->PrintMessage(all)) return;
  Table table{{"PRINCIPAL", "PROJECT", "ROLE"}, {}};
  for (const v1::RoleBinding& binding : all.bindings()) {
    table.rows.push_back({binding.principal(), binding.project(), RoleText(binding.role())});
  }
  Print(Render(table));
}

void CanI(Session* session, const AccessArguments& arguments) {
  v1::CanIRequest request;
  v1::CanIResponse answer;
  request.set_method(arguments.method);
  request.set_project(arguments.project);
  request.set_principal(arguments.principal);
  if (!session->Read(session->auth(), &v1::AuthService::Stub::CanI, request, &answer)) return;
  if (!answer.allowed()) session->exit_code = kDenied;
  if (session->PrintMessage(answer)) return;
  Print(answer.allowed() ? "yes\n" : "no\n");
  Note(answer.reason());
}

void AddTokenCommands(CLI::App* app, Session* session, const Shared& arguments) {
  CLI::App* group = app->add_subcommand("token", "Make and end people's tokens");
  group->require_subcommand(1);
  CLI::App* create = group->add_subcommand("create", "A token for a person or a program");
  create->add_option("PRINCIPAL", arguments->principal, "Whose: alice, ci-nightly")->required();
  create->add_option("--hours", arguments->hours, "How long it is good (2160)");
  create->add_option("--label", arguments->label, "What it is for");
  create->callback([=] { CreateToken(session, *arguments); });
  group->add_subcommand("list", "One's own; all of them for an admin")->callback([=] {
    ListTokens(session);
  });
  CLI::App* revoke = group->add_subcommand("revoke", "End a token, everywhere, within seconds");
  revoke->add_option("ID", arguments->id, "As `token list` shows it")->required();
  revoke->callback([=] { RevokeToken(session, *arguments); });
}

void AddRoleCommands(CLI::App* app, Session* session, const Shared& arguments) {
  CLI::App* group = app->add_subcommand("role", "Who may do what in which project");
  group->require_subcommand(1);
  CLI::App* grant = group->add_subcommand("grant", "Give a role, in place of the one there was");
  CLI::App* revoke = group->add_subcommand("revoke", "Take back the role in a project");
  for (CLI::App* command : {grant, revoke}) {
    command->add_option("PRINCIPAL", arguments->principal, "alice")->required();
    if (command == grant) {
      command->add_option("ROLE", arguments->role, "viewer, editor, operator or admin")
          ->required()
          ->check(CLI::IsMember({"viewer", "editor", "operator", "admin"}));
    }
    command->add_option("--project", arguments->project, "A project, or '*' for all")->required();
  }
  grant->callback([=] { GrantRole(session, *arguments); });
  revoke->callback([=] { RevokeRole(session, *arguments); });
  CLI::App* list = group->add_subcommand("list", "One's own, and all where one is admin");
  list->add_option("--project", arguments->project, "Of one project");
  list->callback([=] { ListRoles(session, *arguments); });
  CLI::App* can = group->add_subcommand("can-i", "Whether a call is allowed; exit code 0 or 4");
  can->add_option("METHOD", arguments->method, "CancelJob")->required();
  can->add_option("--project", arguments->project, "Where (default)");
  can->add_option("--principal", arguments->principal, "Ask for somebody else, as an admin");
  can->callback([=] { CanI(session, *arguments); });
}

}  // namespace

void AddAccess(CLI::App* app, Session* session) {
  const auto arguments = std::make_shared<AccessArguments>();
  AddLogin(app, session);
  AddTokenCommands(app, session, arguments);
  AddRoleCommands(app, session, arguments);
  AddAudit(app, session);
}

}  // namespace ocellus::cli
