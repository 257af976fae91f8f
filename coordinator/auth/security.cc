#include "coordinator/auth/security.h"

#include <unistd.h>

#include <chrono>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/auth/credentials.h"
#include "coordinator/base/log.h"
#include "coordinator/base/private_file.h"
#include "coordinator/base/random_id.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/base/x509.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace ocellus::coordinator {
namespace {

namespace tls = grpc::experimental;

constexpr char kTokenPrefix[] = "oct_";
constexpr char kFirstAdmin[] = "admin";
constexpr int kIdLength = 10;
constexpr size_t kTokenLength = 47;
// How often certificate files are looked at, for changes by others and for their end.
constexpr unsigned kWatchSeconds = 1;
constexpr std::chrono::minutes kKeepInterval{10};

std::vector<std::string> HostsOf(const std::string& listen, const std::vector<std::string>& more) {
  char machine[256] = "";
  gethostname(machine, sizeof(machine) - 1);
  std::vector<std::string> hosts;
  std::set<std::string> seen = {"", "0.0.0.0", "::"};
  const auto add = [&](const std::string& host) {
    if (seen.insert(host).second) hosts.push_back(host);
  };
  add(HostOf(listen));
  for (const std::string& host : more) add(host);
  add(machine);
  for (const char* host : {"localhost", "127.0.0.1", "::1"}) add(host);
  return hosts;
}

std::shared_ptr<grpc::ServerCredentials> TlsOf(const std::string& key,
                                               const std::string& certificate,
                                               const std::string& authority) {
  const auto files = std::make_shared<tls::FileWatcherCertificateProvider>(
      key, certificate, authority, kWatchSeconds);
  tls::TlsServerCredentialsOptions options(files);
  options.watch_identity_key_cert_pairs();
  options.watch_root_certs();
  // People come with a token and no certificate; one that is offered must be good.
  options.set_cert_request_type(GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  return tls::TlsServerCredentials(options);
}

}  // namespace

std::string HostOf(const std::string& address) {
  std::string host = address.substr(0, address.rfind(':'));
  if (absl::StartsWith(host, "[") && absl::EndsWith(host, "]")) {
    host = host.substr(1, host.size() - 2);
  }
  return host;
}

bool IsLoopbackAddress(const std::string& address) {
  const std::string host = HostOf(address);
  return host == "localhost" || host == "::1" || absl::StartsWith(host, "127.") ||
         absl::StartsWith(address, "unix:");
}

absl::StatusOr<std::unique_ptr<Security>> Security::Start(const SecuritySettings& settings,
                                                          const std::string& listen,
                                                          const std::string& data_dir, Store* store,
                                                          const Clock* clock, Metrics* metrics) {
  if (settings.secure && settings.insecure_dev) {
    return absl::InvalidArgumentError("--secure and --insecure-dev contradict each other");
  }
  if (settings.certificate.empty() != settings.key.empty()) {
    return absl::InvalidArgumentError("--tls-cert and --tls-key go together");
  }
  std::unique_ptr<Security> made(new Security);
  made->store_ = store;
  made->clock_ = clock;
  made->metrics_ = metrics;
  for (const char* kind : {"token", "certificate", "join"}) {
    metrics->Counter(metric::kAuthFailures, {{"kind", kind}});
  }
  const bool wants_secure = settings.secure || !settings.certificate.empty();
  const bool local = settings.insecure_dev || (IsLoopbackAddress(listen) && !wants_secure);
  made->gate_ = std::make_unique<Gate>(local ? Mode::kLocal : Mode::kSecure, store, clock, metrics,
                                       settings.limits);
  if (!local) {
    OCELLUS_RETURN_IF_ERROR(made->Secure(settings, listen, data_dir));
    return made;
  }
  if (!IsLoopbackAddress(listen)) {
    Log(LogSeverity::kWarning, "insecure",
        {{"note", "nothing is encrypted, and anyone who reaches this address can run jobs"},
         {"address", listen}});
  }
  made->credentials_ = grpc::InsecureServerCredentials();
  return made;
}

absl::Status Security::Secure(const SecuritySettings& settings, const std::string& listen,
                              const std::string& data_dir) {
  const std::string folder = data_dir + "/tls";
  OCELLUS_ASSIGN_OR_RETURN(authority_,
                           Authority::Open(folder, store_, clock_, settings.node_lifetime));
  const bool own = settings.certificate.empty();
  if (own) hosts_ = HostsOf(listen, settings.names);
  certificate_path_ = own ? folder + "/server.pem" : settings.certificate;
  key_path_ = own ? folder + "/server.key" : settings.key;
  OCELLUS_RETURN_IF_ERROR(KeepCertificates());
  credentials_ = TlsOf(key_path_, certificate_path_, folder + "/authority.pem");
  credentials_->SetAuthMetadataProcessor(GuardReflection(gate_.get()));
  OCELLUS_RETURN_IF_ERROR(TakeFirstAdmin(settings.admin_token.empty() ? data_dir + "/admin-token"
                                                                      : settings.admin_token));
  OCELLUS_ASSIGN_OR_RETURN(const std::string print, Fingerprint(authority_->certificate()));
  Log(LogSeverity::kInfo, "secure",
      {{"authority", folder + "/authority.pem"}, {"sha256", print}, {"own_certificate", own}});
  keeper_ = std::thread([this] { Keep(); });
  return absl::OkStatus();
}

// The token of the file is an admin's: one that was put there (a mounted secret), or a new one
// when there is no file and nobody has a token yet. One that was revoked stays so.
absl::Status Security::TakeFirstAdmin(const std::string& path) {
  auto secret = ReadSecret(path);
  bool anybody = false;
  OCELLUS_RETURN_IF_ERROR(store_->Read([&](Database& db) -> absl::Status {
    OCELLUS_ASSIGN_OR_RETURN(const auto tokens, ListTokens(db, "", 0, 1));
    anybody = !tokens.empty();
    return absl::OkStatus();
  }));
  if (absl::IsNotFound(secret.status())) {
    if (anybody) return absl::OkStatus();
    secret = NewSecret(kTokenPrefix);
    OCELLUS_RETURN_IF_ERROR(WriteWhole(path, *secret + "\n", Readers::kOwner));
    Log(LogSeverity::kInfo, "first_admin",
        {{"token", path}, {"next", "ocellus login --token-file " + path}});
  }
  OCELLUS_RETURN_IF_ERROR(secret.status());
  if (!absl::StartsWith(*secret, kTokenPrefix) || secret->size() != kTokenLength) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, " does not hold a token (oct_ and 43 characters)"));
  }
  return store_->Write("first_admin", [&](Database& db) -> absl::Status {
    const std::string hash = HashOfSecret(*secret);
    OCELLUS_ASSIGN_OR_RETURN(const auto known, FindTokenByHash(db, hash));
    if (known.has_value()) return absl::OkStatus();
    OCELLUS_RETURN_IF_ERROR(GrantRole(db, kFirstAdmin, kEveryProject, v1::ROLE_ADMIN));
    TokenRow row;
    row.id = RandomName(kIdLength);
    row.hash = hash;
    row.principal = kFirstAdmin;
    row.label = "the first";
    row.created_by = "coordinator";
    row.created = clock_->Now();
    return InsertToken(db, row);
  });
}

absl::Status Security::KeepCertificates() {
  if (!hosts_.empty()) {
    OCELLUS_RETURN_IF_ERROR(authority_->KeepServerCertificate(hosts_).status());
  }
  OCELLUS_ASSIGN_OR_RETURN(const std::string server, ReadWhole(certificate_path_));
  OCELLUS_ASSIGN_OR_RETURN(const CertificateFacts shown, ReadCertificate(server));
  OCELLUS_ASSIGN_OR_RETURN(const CertificateFacts signer,
                           ReadCertificate(authority_->certificate()));
  metrics_->Gauge(metric::kCertificateExpiry, {{"certificate", "server"}})
      .Set(absl::ToDoubleSeconds(shown.not_after - absl::UnixEpoch()));
  metrics_->Gauge(metric::kCertificateExpiry, {{"certificate", "authority"}})
      .Set(absl::ToDoubleSeconds(signer.not_after - absl::UnixEpoch()));
  return absl::OkStatus();
}

void Security::Keep() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kKeepInterval, [this] { return ending_; })) {
    const absl::Status kept = KeepCertificates();
    if (!kept.ok()) {
      Log(LogSeverity::kError, "certificate_failed", {{"why", std::string(kept.message())}});
    }
  }
}

Security::~Security() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (keeper_.joinable()) keeper_.join();
}

}  // namespace ocellus::coordinator
