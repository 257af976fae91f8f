// What `ocellus login` remembers, one entry a server, in a file that only its owner may read:
// $XDG_CONFIG_HOME/ocellus/credentials.json, else ~/.config/ocellus/credentials.json.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/client/channel.h"
#include "tools/cli/session.h"

namespace ocellus::cli {

struct Credential {
  std::string authority;  // PEM text
  std::string token;
};

std::string CredentialsFile();

// NOT_FOUND; FAILED_PRECONDITION when others may read the file.
absl::StatusOr<Credential> ReadCredential(const std::string& file, const std::string& server);
absl::Status WriteCredential(const std::string& file, const std::string& server,
                             const Credential& credential);
absl::Status ForgetCredential(const std::string& file, const std::string& server);

// How the server of the options is spoken to: TLS with an authority or a token, from the options,
// the environment or `file`; plaintext to this machine, or with --insecure; else TLS with the
// authorities that the system trusts. A token never goes over plaintext.
absl::StatusOr<coordinator::Approach> ApproachTo(const Options& options, const std::string& file);

}  // namespace ocellus::cli
