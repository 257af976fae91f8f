// Keys and certificates (X.509, P-256), as PEM text. Errors are INTERNAL with OpenSSL's words, or
// INVALID_ARGUMENT for text that is not what it should be.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace ocellus::coordinator {

// What a certificate is for decides what it may do: a server's never speaks for a node.
enum class CertificateUse { kServer, kNode };

struct CertificateWish {
  CertificateUse use = CertificateUse::kNode;
  // Of a node: its name. Of a server: its first name.
  std::string common_name;
  // Of a server: host names and IP addresses that clients may reach it by.
  std::vector<std::string> hosts;
  absl::Time from;
  absl::Time until;
};

struct CertificateFacts {
  CertificateUse use = CertificateUse::kServer;
  std::string common_name;
  std::string serial;  // hexadecimal
  absl::Time not_before;
  absl::Time not_after;
};

absl::StatusOr<std::string> NewPrivateKey();

// A certificate of an authority, signed by itself, good for ten years.
absl::StatusOr<std::string> NewAuthority(const std::string& key, const std::string& name,
                                         absl::Time now);

// A signing request proves that its maker has the key; the names are the authority's decision.
absl::StatusOr<std::string> NewSigningRequest(const std::string& key, const std::string& name);

// A certificate for the public key of `request`, whose own signature must hold.
absl::StatusOr<std::string> SignRequest(const std::string& authority_key,
                                        const std::string& authority, const std::string& request,
                                        const CertificateWish& wish);

// Of the first certificate of `pem`.
absl::StatusOr<CertificateFacts> ReadCertificate(const std::string& pem);

// SHA-256 of the first certificate, "AB:CD:..." as browsers show it.
absl::StatusOr<std::string> Fingerprint(const std::string& pem);

}  // namespace ocellus::coordinator
