#include "tools/cli/credentials.h"

#include <sys/stat.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "coordinator/base/private_file.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/client/address.h"

namespace ocellus::cli {
namespace {

using coordinator::Readers;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// The whole file; an empty object when it is not there.
absl::StatusOr<nlohmann::json> ReadAll(const std::string& file) {
  struct stat facts = {};
  if (stat(file.c_str(), &facts) != 0) return nlohmann::json::object();
  if ((facts.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return absl::FailedPreconditionError(
        absl::StrCat(file, " can be read by others; chmod 600 it, and log in with a new token"));
  }
  OCELLUS_ASSIGN_OR_RETURN(const std::string text, coordinator::ReadWhole(file));
  auto all = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!all.is_object()) {
    return absl::FailedPreconditionError(absl::StrCat(file, " is damaged; remove it and log in"));
  }
  return all;
}

std::string StringIn(const nlohmann::json& entry, const char* key) {
  const auto found = entry.find(key);
  return found != entry.end() && found->is_string() ? found->get<std::string>() : "";
}

// Where the authority of a login lies for the watching of files.
std::string AuthorityFile(const std::string& file, const std::string& server) {
  std::string name = server;
  for (char& c : name) {
    if (c == '/' || c == ':') c = '_';
  }
  return absl::StrCat(file.substr(0, file.rfind('/')), "/", name, ".pem");
}

}  // namespace

std::string CredentialsFile() {
  const std::string config = Environment("XDG_CONFIG_HOME");
  return absl::StrCat(config.empty() ? Environment("HOME") + "/.config" : config,
                      "/ocellus/credentials.json");
}

absl::StatusOr<Credential> ReadCredential(const std::string& file, const std::string& server) {
  OCELLUS_ASSIGN_OR_RETURN(const nlohmann::json all, ReadAll(file));
  const auto found = all.find(server);
  if (found == all.end() || !found->is_object()) {
    return absl::NotFoundError(absl::StrCat("not logged in at ", server));
  }
  return Credential{StringIn(*found, "authority"), StringIn(*found, "token")};
}

absl::Status WriteCredential(const std::string& file, const std::string& server,
                             const Credential& credential) {
  OCELLUS_ASSIGN_OR_RETURN(nlohmann::json all, ReadAll(file));
  all[server] = {{"authority", credential.authority}, {"token", credential.token}};
  OCELLUS_RETURN_IF_ERROR(coordinator::WriteWhole(file, all.dump(2) + "\n", Readers::kOwner));
  if (credential.authority.empty()) return absl::OkStatus();
  return coordinator::WriteWhole(AuthorityFile(file, server), credential.authority,
                                 Readers::kOwner);
}

absl::Status ForgetCredential(const std::string& file, const std::string& server) {
  OCELLUS_ASSIGN_OR_RETURN(nlohmann::json all, ReadAll(file));
  if (all.erase(server) == 0) {
    return absl::NotFoundError(absl::StrCat("not logged in at ", server));
  }
  return coordinator::WriteWhole(file, all.dump(2) + "\n", Readers::kOwner);
}

absl::StatusOr<coordinator::Approach> ApproachTo(const Options& options, const std::string& file) {
  coordinator::Approach approach;
  approach.authority = options.authority;
  approach.token = Environment("OCELLUS_TOKEN");
  if (!options.token_file.empty()) {
    OCELLUS_ASSIGN_OR_RETURN(approach.token, coordinator::ReadSecret(options.token_file));
  }
  const auto known = ReadCredential(file, options.server);
  if (!known.ok() && !absl::IsNotFound(known.status())) return known.status();
  if (known.ok()) {
    if (approach.token.empty()) approach.token = known->token;
    if (approach.authority.empty() && !known->authority.empty()) {
      approach.authority = AuthorityFile(file, options.server);
    }
  }
  const bool here = coordinator::IsLoopback(options.server);
  const bool has_authority = !approach.authority.empty();
  approach.plaintext = options.insecure || (here && !has_authority && !known.ok());
  if (approach.plaintext) approach.token.clear();
  return approach;
}

}  // namespace ocellus::cli
