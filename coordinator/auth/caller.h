// Who makes a call, and what they may do.
#pragma once

#include <string>

#include "absl/time/time.h"
#include "coordinator/state/access.h"
#include "coordinator/state/jobs.h"

namespace ocellus::coordinator {

struct Caller {
  enum class Kind { kAnonymous, kLocal, kUser, kNode };

  Kind kind = Kind::kAnonymous;
  std::string name;        // of the person or the node
  std::string credential;  // id of the token, or serial number of the certificate
  absl::Time expires = absl::InfinitePast();  // of the credential; the infinite past: never
  Roles roles;
  std::string peer;  // address without the port

  // "user:alice", "agent:node-1", "user:local", "anonymous": as events and the audit log have it.
  std::string Actor() const;
  // The larger of those in `project` and in "*".
  v1::Role RoleIn(const std::string& project) const;
  bool Has(v1::Role role, const std::string& project) const { return RoleIn(project) >= role; }
  // Where the caller has at least `role`; nullopt: in every project.
  VisibleProjects Projects(v1::Role role = v1::ROLE_VIEWER) const;
};

// In local mode everybody who reaches the port: may do all.
Caller LocalCaller(const std::string& peer);

// "ipv4:10.0.0.1:7000" as "10.0.0.1".
std::string AddressOf(const std::string& peer);

}  // namespace ocellus::coordinator
