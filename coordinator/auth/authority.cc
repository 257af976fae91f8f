#include "coordinator/auth/authority.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "coordinator/base/error.h"
#include "coordinator/base/private_file.h"
#include "coordinator/base/random_id.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/base/x509.h"

namespace ocellus::coordinator {
namespace {

constexpr absl::Duration kServerLifetime = absl::Hours(24 * 90);
constexpr int kIdLength = 10;
constexpr char kJoinPrefix[] = "ocj_";

std::string KeyIn(const std::string& folder) { return folder + "/authority.key"; }
std::string CertificateIn(const std::string& folder) { return folder + "/authority.pem"; }

}  // namespace

absl::StatusOr<std::unique_ptr<Authority>> Authority::Open(const std::string& folder, Store* store,
                                                           const Clock* clock,
                                                           absl::Duration node_lifetime) {
  std::unique_ptr<Authority> authority(new Authority(folder, store, clock, node_lifetime));
  auto key = ReadWhole(KeyIn(folder));
  if (absl::IsNotFound(key.status())) {
    OCELLUS_ASSIGN_OR_RETURN(key, NewPrivateKey());
    const std::string name = absl::StrCat("Ocellus authority ", RandomName(kIdLength));
    OCELLUS_ASSIGN_OR_RETURN(const std::string made, NewAuthority(*key, name, clock->Now()));
    // The certificate first: a key without one would be taken for a damaged folder.
    OCELLUS_RETURN_IF_ERROR(WriteWhole(CertificateIn(folder), made, Readers::kEverybody));
    OCELLUS_RETURN_IF_ERROR(WriteWhole(KeyIn(folder), *key, Readers::kOwner));
  }
  OCELLUS_ASSIGN_OR_RETURN(authority->key_, std::move(key));
  OCELLUS_ASSIGN_OR_RETURN(authority->certificate_, ReadWhole(CertificateIn(folder)));
  return authority;
}

absl::StatusOr<bool> Authority::KeepServerCertificate(const std::vector<std::string>& hosts) {
  const absl::Time now = clock_->Now();
  const std::string names = absl::StrJoin(hosts, "\n");
  const auto old = ReadWhole(folder_ + "/server.pem");
  if (old.ok() && ReadWhole(folder_ + "/server.names").value_or("") == names) {
    OCELLUS_ASSIGN_OR_RETURN(const CertificateFacts facts, ReadCertificate(*old));
    if (now < facts.not_after - kServerLifetime / 3) return false;
  }
  auto key = ReadWhole(folder_ + "/server.key");
  if (!key.ok()) {
    OCELLUS_ASSIGN_OR_RETURN(key, NewPrivateKey());
    OCELLUS_RETURN_IF_ERROR(WriteWhole(folder_ + "/server.key", *key, Readers::kOwner));
  }
  OCELLUS_ASSIGN_OR_RETURN(const std::string request, NewSigningRequest(*key, hosts.front()));
  const CertificateWish wish{CertificateUse::kServer, hosts.front(), hosts, now,
                             now + kServerLifetime};
  OCELLUS_ASSIGN_OR_RETURN(const std::string made, SignRequest(key_, certificate_, request, wish));
  OCELLUS_RETURN_IF_ERROR(WriteWhole(folder_ + "/server.pem", made, Readers::kEverybody));
  OCELLUS_RETURN_IF_ERROR(WriteWhole(folder_ + "/server.names", names, Readers::kEverybody));
  return true;
}

absl::StatusOr<Authority::JoinToken> Authority::NewJoinToken(const std::string& node, int uses,
                                                             absl::Duration lifetime,
                                                             const std::string& created_by) {
  const absl::Time now = clock_->Now();
  JoinToken token{RandomName(kIdLength), NewSecret(kJoinPrefix), now + lifetime};
  OCELLUS_RETURN_IF_ERROR(store_->Write("create_join_token", [&](Database& db) {
    return InsertJoinToken(
        db, {token.id, HashOfSecret(token.secret), node, created_by, now, token.expires, uses});
  }));
  return token;
}

absl::StatusOr<IssuedCertificate> Authority::Issue(Database& db, const std::string& node,
                                                   const std::string& signing_request) {
  const absl::Time now = clock_->Now();
  const CertificateWish wish{CertificateUse::kNode, node, {}, now, now + node_lifetime_};
  auto made = SignRequest(key_, certificate_, signing_request, wish);
  if (absl::IsInvalidArgument(made.status())) {
    return BadRequest({{"signing_request", std::string(made.status().message())}});
  }
  OCELLUS_RETURN_IF_ERROR(made.status());
  OCELLUS_ASSIGN_OR_RETURN(const CertificateFacts facts, ReadCertificate(*made));
  OCELLUS_RETURN_IF_ERROR(InsertNodeCertificate(db, {0, facts.serial, node, now, facts.not_after}));
  return IssuedCertificate{*std::move(made), certificate_, facts.not_after};
}

absl::StatusOr<IssuedCertificate> Authority::Join(const v1::JoinNodeRequest& request) {
  IssuedCertificate issued;
  OCELLUS_RETURN_IF_ERROR(store_->Write("join_node", [&](Database& db) -> absl::Status {
    OCELLUS_RETURN_IF_ERROR(
        UseJoinToken(db, HashOfSecret(request.join_token()), request.node(), clock_->Now()));
    OCELLUS_ASSIGN_OR_RETURN(issued, Issue(db, request.node(), request.signing_request()));
    return absl::OkStatus();
  }));
  return issued;
}

absl::StatusOr<IssuedCertificate> Authority::Renew(const v1::RenewNodeRequest& request) {
  IssuedCertificate issued;
  OCELLUS_RETURN_IF_ERROR(store_->Write("renew_node", [&](Database& db) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(issued, Issue(db, request.node(), request.signing_request()));
    return absl::OkStatus();
  }));
  return issued;
}

}  // namespace ocellus::coordinator
