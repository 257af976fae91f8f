#include "coordinator/auth/caller.h"

#include <algorithm>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace ocellus::coordinator {

std::string Caller::Actor() const {
  switch (kind) {
    case Kind::kLocal:
      return "user:local";
    case Kind::kUser:
      return absl::StrCat("user:", name);
    case Kind::kNode:
      return absl::StrCat("agent:", name);
    case Kind::kAnonymous:
      return "anonymous";
  }
  return "anonymous";
}

v1::Role Caller::RoleIn(const std::string& project) const {
  v1::Role role = v1::ROLE_UNSPECIFIED;
  for (const std::string& place : {project, std::string(kEveryProject)}) {
    if (const auto found = roles.find(place); found != roles.end()) {
      role = std::max(role, found->second);
    }
  }
  return role;
}

VisibleProjects Caller::Projects(v1::Role role) const {
  if (Has(role, kEveryProject)) return std::nullopt;
  std::set<std::string> projects;
  for (const auto& [project, held] : roles) {
    if (held >= role) projects.insert(project);
  }
  return projects;
}

Caller LocalCaller(const std::string& peer) {
  Caller caller;
  caller.kind = Caller::Kind::kLocal;
  caller.name = "local";
  caller.roles[kEveryProject] = v1::ROLE_ADMIN;
  caller.peer = peer;
  return caller;
}

std::string AddressOf(const std::string& peer) {
  if (absl::StartsWith(peer, "unix:")) return "unix";
  const size_t begin = peer.find(':');
  const size_t end = peer.rfind(':');
  return begin == std::string::npos || end <= begin ? peer
                                                    : peer.substr(begin + 1, end - begin - 1);
}

}  // namespace ocellus::coordinator
