// `login`, `logout` and `whoami`.
#include <unistd.h>

#include <iostream>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "coordinator/base/private_file.h"
#include "tools/cli/commands.h"
#include "tools/cli/credentials.h"
#include "tools/cli/terminal.h"
#include "tools/cli/words.h"

namespace ocellus::cli {
namespace {

void WhoAmI(Session* session) {
  v1::WhoAmIResponse me;
  if (!session->Read(session->auth(), &v1::AuthService::Stub::WhoAmI, v1::WhoAmIRequest(), &me) ||
      session->PrintMessage(me)) {
    return;
  }
  Print(
      absl::StrCat(me.principal(), me.local_mode() ? "  (local mode: no credentials)" : "", "\n"));
  for (const v1::RoleBinding& binding : me.roles()) {
    Print(absl::StrCat("  ", RoleText(binding.role()), " in ",
                       binding.project() == "*" ? "every project" : binding.project(), "\n"));
  }
  if (me.has_expire_time()) Print("  until " + TimeText(me.expire_time()) + "\n");
}

// Takes the token from --token-file, $OCELLUS_TOKEN or stdin, tries it, and remembers it.
void Login(Session* session) {
  const std::string file = CredentialsFile();
  const std::string given = session->options.token_file;
  Credential credential;
  const char* variable = std::getenv("OCELLUS_TOKEN");
  if (!given.empty()) {
    const auto secret = coordinator::ReadSecret(given);
    if (!secret.ok()) return session->Fail(kUsage, std::string(secret.status().message()));
    credential.token = *secret;
  } else if (variable != nullptr) {
    credential.token = variable;
  } else {
    if (isatty(STDIN_FILENO) != 0) Note("token (it is not shown by `ocellus` again):");
    std::getline(std::cin, credential.token);
  }
  credential.token = std::string(absl::StripAsciiWhitespace(credential.token));
  if (!session->options.authority.empty()) {
    const auto pem = coordinator::ReadWhole(session->options.authority);
    if (!pem.ok()) return session->Fail(kUsage, std::string(pem.status().message()));
    credential.authority = *pem;
  }
  coordinator::Approach approach{false, session->options.authority, "", "", credential.token};
  const auto stub = v1::AuthService::NewStub(coordinator::Connect(session->server(), approach));
  const auto me = coordinator::Call(*stub, &v1::AuthService::Stub::WhoAmI, v1::WhoAmIRequest());
  if (!me.ok()) return session->Fail(me.status());
  const absl::Status written = WriteCredential(file, session->server(), credential);
  if (!written.ok()) return session->Fail(written);
  Note(absl::StrCat("logged in at ", session->server(), " as ", me->principal()));
}

void Logout(Session* session) {
  const absl::Status forgotten = ForgetCredential(CredentialsFile(), session->server());
  if (!forgotten.ok()) return session->Fail(forgotten);
  Note("forgotten here; `ocellus token revoke` ends a token everywhere");
}

}  // namespace

void AddLogin(CLI::App* app, Session* session) {
  app->add_subcommand("login", "Remember a token (and --ca) for a server")->callback([=] {
    Login(session);
  });
  app->add_subcommand("logout", "Forget it")->callback([=] { Logout(session); });
  app->add_subcommand("whoami", "Who the server takes you for, and your roles")->callback([=] {
    WhoAmI(session);
  });
}

}  // namespace ocellus::cli
