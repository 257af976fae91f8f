#include "coordinator/base/x509.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "coordinator/base/status_macros.h"

namespace ocellus::coordinator {
namespace {

// The organisation of a subject tells what a certificate is for.
constexpr char kNodeOrganisation[] = "ocellus-node";
constexpr char kServerOrganisation[] = "ocellus-coordinator";
constexpr absl::Duration kAuthorityLife = absl::Hours(24 * 3650);
constexpr absl::Duration kClockSkew = absl::Minutes(5);
constexpr int kSerialBits = 127;

template <typename T, void (*Free)(T*)>
struct Freer {
  void operator()(T* value) const { Free(value); }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY, EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509, X509_free>>;
using Request = std::unique_ptr<X509_REQ, Freer<X509_REQ, X509_REQ_free>>;
using Number = std::unique_ptr<BIGNUM, Freer<BIGNUM, BN_free>>;
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free_all(bio); }
};
using Bio = std::unique_ptr<BIO, FreeBio>;

absl::Status Failed(const std::string& what) {
  char text[256] = "no reason given";
  if (const unsigned long code = ERR_get_error(); code != 0) {
    ERR_error_string_n(code, text, sizeof(text));
  }
  ERR_clear_error();
  return absl::InternalError(absl::StrCat("cannot ", what, ": ", text));
}

Bio Reading(const std::string& text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string TextOf(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, size > 0 ? size : 0);
}

absl::StatusOr<Key> ParseKey(const std::string& pem) {
  Key key(PEM_read_bio_PrivateKey(Reading(pem).get(), nullptr, nullptr, nullptr));
  if (!key) {
    ERR_clear_error();
    return absl::InvalidArgumentError("not a private key in PEM");
  }
  return key;
}

absl::StatusOr<Certificate> ParseCertificate(const std::string& pem) {
  Certificate certificate(PEM_read_bio_X509(Reading(pem).get(), nullptr, nullptr, nullptr));
  if (!certificate) {
    ERR_clear_error();
    return absl::InvalidArgumentError("not a certificate in PEM");
  }
  return certificate;
}

bool AddName(X509_NAME* name, const char* field, const std::string& value) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

bool AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  const bool added = extension != nullptr && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return added;
}

// Version, a random serial number, the times and the public key.
bool Begin(X509* certificate, EVP_PKEY* key, absl::Time from, absl::Time until) {
  Number serial(BN_new());
  const auto seconds = [](absl::Time time) { return absl::ToTimeT(time); };
  return serial && X509_set_version(certificate, 2) == 1 &&
         BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) != nullptr &&
         ASN1_TIME_set(X509_getm_notBefore(certificate), seconds(from - kClockSkew)) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), seconds(until)) != nullptr &&
         X509_set_pubkey(certificate, key) == 1;
}

absl::StatusOr<std::string> Pem(X509* certificate) {
  Bio bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(bio.get(), certificate) != 1) return Failed("write a certificate");
  return TextOf(bio.get());
}

std::string AlternativeNames(const std::vector<std::string>& hosts) {
  return absl::StrJoin(hosts, ",", [](std::string* out, const std::string& host) {
    unsigned char address[sizeof(in6_addr)];
    const bool is_address = inet_pton(AF_INET, host.c_str(), address) == 1 ||
                            inet_pton(AF_INET6, host.c_str(), address) == 1;
    absl::StrAppend(out, is_address ? "IP:" : "DNS:", host);
  });
}

bool AddUse(X509* certificate, X509* authority, const CertificateWish& wish) {
  const bool server = wish.use == CertificateUse::kServer;
  return AddExtension(certificate, authority, NID_basic_constraints, "critical,CA:FALSE") &&
         AddExtension(certificate, authority, NID_key_usage, "critical,digitalSignature") &&
         AddExtension(certificate, authority, NID_ext_key_usage,
                      server ? "serverAuth" : "clientAuth") &&
         AddExtension(certificate, authority, NID_authority_key_identifier, "keyid:always") &&
         (!server ||
          AddExtension(certificate, authority, NID_subject_alt_name, AlternativeNames(wish.hosts)));
}

absl::Time TimeOf(const ASN1_TIME* time) {
  tm parts = {};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? absl::FromTM(parts, absl::UTCTimeZone())
                                            : absl::InfinitePast();
}

std::string NamePart(X509* certificate, int nid) {
  char text[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), nid, text, sizeof(text));
  return text;
}

}  // namespace

absl::StatusOr<std::string> NewPrivateKey() {
  Key key(EVP_EC_gen("P-256"));
  Bio bio(BIO_new(BIO_s_mem()));
  if (!key || PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                            nullptr) != 1) {
    return Failed("make a private key");
  }
  return TextOf(bio.get());
}

absl::StatusOr<std::string> NewAuthority(const std::string& key_pem, const std::string& name,
                                         absl::Time now) {
  OCELLUS_ASSIGN_OR_RETURN(const Key key, ParseKey(key_pem));
  Certificate made(X509_new());
  X509_NAME* subject = X509_get_subject_name(made.get());
  const bool done =
      Begin(made.get(), key.get(), now, now + kAuthorityLife) && AddName(subject, "CN", name) &&
      X509_set_issuer_name(made.get(), subject) == 1 &&
      AddExtension(made.get(), made.get(), NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
      AddExtension(made.get(), made.get(), NID_key_usage, "critical,keyCertSign,cRLSign") &&
      AddExtension(made.get(), made.get(), NID_subject_key_identifier, "hash") &&
      X509_sign(made.get(), key.get(), EVP_sha256()) > 0;
  if (!done) return Failed("make an authority");
  return Pem(made.get());
}

absl::StatusOr<std::string> NewSigningRequest(const std::string& key_pem, const std::string& name) {
  OCELLUS_ASSIGN_OR_RETURN(const Key key, ParseKey(key_pem));
  Request request(X509_REQ_new());
  Bio bio(BIO_new(BIO_s_mem()));
  const bool done = X509_REQ_set_version(request.get(), 0) == 1 &&
                    AddName(X509_REQ_get_subject_name(request.get()), "CN", name) &&
                    X509_REQ_set_pubkey(request.get(), key.get()) == 1 &&
                    X509_REQ_sign(request.get(), key.get(), EVP_sha256()) > 0 &&
                    PEM_write_bio_X509_REQ(bio.get(), request.get()) == 1;
  if (!done) return Failed("make a signing request");
  return TextOf(bio.get());
}

absl::StatusOr<std::string> SignRequest(const std::string& authority_key,
                                        const std::string& authority_pem,
                                        const std::string& request_pem,
                                        const CertificateWish& wish) {
  OCELLUS_ASSIGN_OR_RETURN(const Key key, ParseKey(authority_key));
  OCELLUS_ASSIGN_OR_RETURN(const Certificate authority, ParseCertificate(authority_pem));
  Request request(PEM_read_bio_X509_REQ(Reading(request_pem).get(), nullptr, nullptr, nullptr));
  EVP_PKEY* wanted = request ? X509_REQ_get0_pubkey(request.get()) : nullptr;
  if (wanted == nullptr || X509_REQ_verify(request.get(), wanted) != 1) {
    ERR_clear_error();
    return absl::InvalidArgumentError("not a signing request in PEM whose signature holds");
  }
  Certificate made(X509_new());
  X509_NAME* subject = X509_get_subject_name(made.get());
  const bool server = wish.use == CertificateUse::kServer;
  const bool done = Begin(made.get(), wanted, wish.from, wish.until) &&
                    AddName(subject, "O", server ? kServerOrganisation : kNodeOrganisation) &&
                    AddName(subject, "CN", wish.common_name) &&
                    X509_set_issuer_name(made.get(), X509_get_subject_name(authority.get())) == 1 &&
                    AddUse(made.get(), authority.get(), wish) &&
                    X509_sign(made.get(), key.get(), EVP_sha256()) > 0;
  if (!done) return Failed("sign a certificate");
  return Pem(made.get());
}

absl::StatusOr<CertificateFacts> ReadCertificate(const std::string& pem) {
  OCELLUS_ASSIGN_OR_RETURN(const Certificate certificate, ParseCertificate(pem));
  CertificateFacts facts;
  facts.use = NamePart(certificate.get(), NID_organizationName) == kNodeOrganisation
                  ? CertificateUse::kNode
                  : CertificateUse::kServer;
  facts.common_name = NamePart(certificate.get(), NID_commonName);
  Number serial(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate.get()), nullptr));
  if (char* hex = serial ? BN_bn2hex(serial.get()) : nullptr; hex != nullptr) {
    facts.serial = hex;
    OPENSSL_free(hex);
  }
  facts.not_before = TimeOf(X509_get0_notBefore(certificate.get()));
  facts.not_after = TimeOf(X509_get0_notAfter(certificate.get()));
  return facts;
}

absl::StatusOr<std::string> Fingerprint(const std::string& pem) {
  OCELLUS_ASSIGN_OR_RETURN(const Certificate certificate, ParseCertificate(pem));
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  if (X509_digest(certificate.get(), EVP_sha256(), digest, &size) != 1) {
    return Failed("digest a certificate");
  }
  return absl::StrJoin(digest, digest + size, ":", [](std::string* out, unsigned char byte) {
    absl::StrAppendFormat(out, "%02X", byte);
  });
}

}  // namespace ocellus::coordinator
