// Who the store's requests are signed by, found in the usual order:
//
//   1. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
//   2. a web identity: AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, exchanged at STS
//   3. the profile of ~/.aws (aws_profile.h): keys, or role_arn and web_identity_token_file
//   4. the container: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or AWS_CONTAINER_CREDENTIALS_FULL_URI
//   5. the instance, by IMDSv2, unless AWS_EC2_METADATA_DISABLED=true
//
// Temporary ones are fetched anew five minutes before they end; while that fails and they are still
// good, they are used on. Secrets stand in no message.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "worker/store/aws_profile.h"
#include "worker/store/http.h"
#include "worker/store/retry.h"

namespace ocellus::store {

struct Credentials {
  std::string access_key;
  std::string secret_key;
  std::string session_token;      // "" for lasting ones
  std::optional<time_t> expires;  // nothing: never
  std::string source;             // "the environment", for messages
};

// One source. Nothing when it is not set up here; wire::Fault (storage, NO_CREDENTIALS) when it is,
// but does not work.
using CredentialSource = std::function<std::optional<Credentials>()>;

// The sources above in their order. `http` and `clock` are not owned.
std::vector<CredentialSource> UsualSources(const Environment& environment, const Profile& profile,
                                           const std::string& region, HttpPool* http,
                                           const Clock* clock);

// Thread-safe: one thread fetches, the others wait for it.
class CredentialChain {
 public:
  CredentialChain(std::vector<CredentialSource> sources, const Clock* clock);

  // Good ones. wire::Fault (storage, NO_CREDENTIALS) when no source has any.
  Credentials Get();
  // The server refused `refused` as expired or unknown: the next Get asks the sources again, unless
  // that was done since.
  void Forget(const Credentials& refused);

 private:
  std::optional<Credentials> Ask() const;

  const std::vector<CredentialSource> sources_;
  const Clock* clock_;
  std::mutex mutex_;
  std::optional<Credentials> current_;  // guarded by mutex_
  time_t next_try_ = 0;                 // guarded by mutex_; after a refresh that failed
};

}  // namespace ocellus::store
