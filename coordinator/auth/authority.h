// The coordinator's own small authority: it signs the certificate that the coordinator shows (when
// the operator gives none) and the short ones of nodes. Everything lies in <data-dir>/tls:
//
//   authority.key (0600), authority.pem     ten years; authority.pem is what clients trust
//   server.key (0600), server.pem           90 days, renewed by itself when a third is left
//
// Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "coordinator/auth/caller.h"
#include "coordinator/base/clock.h"
#include "coordinator/state/store.h"
#include "ocellus/v1/auth.pb.h"

namespace ocellus::coordinator {

// A node certificate as JoinNode and RenewNode answer.
struct IssuedCertificate {
  std::string certificate;
  std::string authority;
  absl::Time expires;
};

class Authority {
 public:
  // Reads the authority of the folder, or makes one. `store` and `clock` outlive it.
  static absl::StatusOr<std::unique_ptr<Authority>> Open(const std::string& folder, Store* store,
                                                         const Clock* clock,
                                                         absl::Duration node_lifetime);

  // Makes or renews server.key and server.pem for these host names and addresses, when they are
  // absent, are for other names, or near their end. True when it wrote them.
  absl::StatusOr<bool> KeepServerCertificate(const std::vector<std::string>& hosts);

  struct JoinToken {
    std::string id, secret;
    absl::Time expires;
  };
  // A secret with which `node` (empty: any; "pool-*") may join, `uses` times.
  absl::StatusOr<JoinToken> NewJoinToken(const std::string& node, int uses, absl::Duration lifetime,
                                         const std::string& created_by);
  // JOIN_REFUSED; INVALID_SPEC for a request that is none.
  absl::StatusOr<IssuedCertificate> Join(const v1::JoinNodeRequest& request);
  absl::StatusOr<IssuedCertificate> Renew(const v1::RenewNodeRequest& request);

  const std::string& folder() const { return folder_; }
  const std::string& certificate() const { return certificate_; }

 private:
  Authority(std::string folder, Store* store, const Clock* clock, absl::Duration node_lifetime)
      : folder_(std::move(folder)), store_(store), clock_(clock), node_lifetime_(node_lifetime) {}
  absl::StatusOr<IssuedCertificate> Issue(Database& db, const std::string& node,
                                          const std::string& signing_request);

  const std::string folder_;
  Store* store_;
  const Clock* clock_;
  const absl::Duration node_lifetime_;
  std::string key_, certificate_;
};

}  // namespace ocellus::coordinator
