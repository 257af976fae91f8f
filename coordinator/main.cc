// ocellus-coordinator: takes jobs, places gangs, keeps them running.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "coordinator/api/server.h"
#include "coordinator/auth/security.h"
#include "coordinator/base/endpoint_file.h"
#include "coordinator/base/lock_file.h"
#include "coordinator/base/log.h"
#include "coordinator/base/metrics.h"
#include "coordinator/base/protocol.h"
#include "coordinator/base/shutdown.h"
#include "coordinator/base/status_macros.h"
#include "coordinator/control/reconciler.h"
#include "coordinator/launch/kubernetes.h"
#include "coordinator/page/page_server.h"

namespace ocellus::coordinator {
namespace {

constexpr int kExitUsage = 2;
constexpr char kNoPage[] = "none";

struct Flags {
  std::string data_dir = "ocellus-data";
  std::string listen = absl::StrCat("127.0.0.1:", kCoordinatorPort);
  std::string metrics_listen = absl::StrCat("127.0.0.1:", kCoordinatorMetricsPort);
  std::string page_listen = absl::StrCat("127.0.0.1:", kPagePort);
  std::string store;
  int64_t backoff_base_ms = 10'000;
  int64_t lease_ms = absl::ToInt64Milliseconds(kLease);
  int64_t garbage_age_ms = absl::ToInt64Milliseconds(absl::Hours(1));
  int64_t node_certificate_s = 86'400;
  SecuritySettings security;
  KubernetesSettings kubernetes;
};

void AddFlags(CLI::App* app, Flags* flags) {
  app->add_option("--data-dir", flags->data_dir, "Where the coordinator keeps its state")
      ->capture_default_str();
  app->add_option("--listen", flags->listen, "Address for clients and agents; port 0 picks one")
      ->capture_default_str();
  app->add_option("--metrics-listen", flags->metrics_listen, "Address of /metrics")
      ->capture_default_str();
  app->add_option("--page-listen", flags->page_listen,
                  "Address of the page for browsers; none: no page")
      ->capture_default_str();
  app->add_option(
      "--store", flags->store,
      "Object store for checkpoints and results, a URI (default: file://DATA-DIR/store)");
  app->add_option("--backoff-base-ms", flags->backoff_base_ms,
                  "Wait before a failed gang's first restart; it doubles each time")
      ->check(CLI::Range(int64_t{0}, int64_t{600'000}))
      ->capture_default_str();
  app->add_option("--lease-ms", flags->lease_ms, "How long a node may be silent")
      ->check(CLI::Range(int64_t{1'000}, int64_t{3'600'000}))
      ->capture_default_str();
  app->add_option("--garbage-age-ms", flags->garbage_age_ms,
                  "How long bytes of uploads that ended without a commit are left alone")
      ->check(CLI::Range(int64_t{100}, int64_t{86'400'000}))
      ->capture_default_str();
  app->set_version_flag("--version", kVersion);
}

void AddSecurityFlags(CLI::App* app, Flags* flags) {
  SecuritySettings& security = flags->security;
  app->add_flag(
      "--secure", security.secure,
      "TLS, and a credential for every call: also on loopback (elsewhere it is the rule)");
  app->add_flag("--insecure-dev", security.insecure_dev,
                "No encryption and no credentials, also on an address that others can reach");
  app->add_option("--tls-cert", security.certificate,
                  "Certificate to show, PEM, watched for changes (default: one of our own)");
  app->add_option("--tls-key", security.key, "Its private key");
  app->add_option("--tls-name", security.names,
                  "One more name or address that clients use, for a certificate of our own");
  app->add_option("--admin-token", security.admin_token,
                  "File with the first admin's token, made when absent (DATA-DIR/admin-token)");
  app->add_option("--node-certificate-s", flags->node_certificate_s,
                  "How long a node's certificate is good; it is renewed at half of that")
      ->check(CLI::Range(int64_t{2}, int64_t{31'536'000}))
      ->capture_default_str();
  app->add_option("--calls-per-s", security.limits.user_rate,
                  "Calls a second of one person; twice as many at once")
      ->check(CLI::Range(1.0, 1e6))
      ->capture_default_str();
  app->add_option("--streams", security.limits.streams, "Open streams of one principal")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
}

absl::Status CheckListen(const Flags& flags) {
  if (flags.listen.find(':') == std::string::npos) {
    return absl::InvalidArgumentError(
        absl::StrCat("--listen ", flags.listen, ": write HOST:PORT, for example 127.0.0.1:7410"));
  }
  return absl::OkStatus();
}

// Series of the store's transactions.
Store::Observer Observe(Metrics* metrics) {
  metrics->Counter(metric::kStoreErrors);
  return [metrics](const std::string& op, double seconds, const absl::Status& result) {
    metrics->Histogram(metric::kStoreTransaction, {{"op", op}}).Observe(seconds);
    if (absl::IsUnavailable(result)) {
      metrics->Counter(metric::kStoreErrors).Increment();
      Log(LogSeverity::kError, "store_failed",
          {{"op", op}, {"why", std::string(result.message())}});
    }
  };
}

// The page, or null when none is wanted.
absl::StatusOr<std::unique_ptr<PageServer>> StartPage(const Flags& flags, const Security& security,
                                                      Server* server, Objects* objects,
                                                      const LiveGangs* live) {
  if (flags.page_listen == kNoPage) return nullptr;
  const PageSettings settings{flags.page_listen, flags.security.insecure_dev, security.mode(),
                              security.certificate_path(), security.key_path()};
  return PageServer::Start(settings, server->OwnChannel(), objects, live, &RealClock());
}

absl::Status TellReady(const std::string& data_dir, const Endpoint& endpoint,
                       const std::string& store_uri) {
  OCELLUS_RETURN_IF_ERROR(WriteEndpoint(data_dir, endpoint));
  Log(LogSeverity::kInfo, "coordinator_ready",
      {{"version", kVersion},
       {"grpc", endpoint.grpc},
       {"metrics", endpoint.metrics},
       {"page", endpoint.page},
       {"data", data_dir},
       {"store", store_uri}});
  return absl::OkStatus();
}

absl::Status Serve(const Flags& flags, ShutdownSignal* shutdown) {
  OCELLUS_RETURN_IF_ERROR(CheckListen(flags));
  OCELLUS_ASSIGN_OR_RETURN(const auto lock,
                           LockFile::Acquire(flags.data_dir, "ocellus-coordinator"));
  const std::string data_dir = std::filesystem::absolute(flags.data_dir).lexically_normal();
  Metrics metrics;
  OCELLUS_ASSIGN_OR_RETURN(const auto metrics_server,
                           MetricsServer::Start(flags.metrics_listen, metrics));
  OCELLUS_ASSIGN_OR_RETURN(const auto store,
                           Store::Open(data_dir + "/state.db", Observe(&metrics)));
  OCELLUS_ASSIGN_OR_RETURN(
      const auto objects,
      Objects::Open(flags.store.empty() ? absl::StrCat("file://", data_dir, "/store")
                                        : flags.store));
  const Clock& clock = RealClock();
  LiveGangs live(&clock);
  FleetOptions fleet_options;
  fleet_options.lease = absl::Milliseconds(flags.lease_ms);
  fleet_options.heartbeat = std::min(kHeartbeatInterval, fleet_options.lease / 3);
  fleet_options.store_uri = objects->uri();
  Fleet fleet(store.get(), &live, &clock, fleet_options);
  OCELLUS_RETURN_IF_ERROR(fleet.Load());
  const absl::Duration garbage_age = absl::Milliseconds(flags.garbage_age_ms);
  Ledger ledger(store.get(), objects.get(), &clock, garbage_age);
  Reports reports(store.get(), &live, &clock);
  LogFiles logs(data_dir + "/logs");
  ControlOptions control;
  control.backoff_base = absl::Milliseconds(flags.backoff_base_ms);
  control.tidy_every = std::min(control.tidy_every, garbage_age);
  OCELLUS_ASSIGN_OR_RETURN(
      const auto kubernetes,
      Kubernetes::Open(flags.kubernetes, &clock, &metrics, [&] { store->changes().Notify(); }));
  PodLauncher* const pods = kubernetes == nullptr ? nullptr : kubernetes->launcher();
  Reconciler reconciler({store.get(), &fleet, &live, &ledger, &metrics, &clock, pods}, control);
  SecuritySettings settings = flags.security;
  settings.node_lifetime = absl::Seconds(flags.node_certificate_s);
  OCELLUS_ASSIGN_OR_RETURN(const auto security, Security::Start(settings, flags.listen, data_dir,
                                                                store.get(), &clock, &metrics));
  ApiParts api{store.get(),
               &fleet,
               &live,
               &reports,
               &ledger,
               &logs,
               &metrics,
               &clock,
               metrics_server->address(),
               security->gate(),
               security->authority()};
  OCELLUS_ASSIGN_OR_RETURN(const auto server,
                           Server::Start(flags.listen, security->credentials(), api));
  OCELLUS_ASSIGN_OR_RETURN(auto page,
                           StartPage(flags, *security, server.get(), objects.get(), &live));
  const std::string page_url = page == nullptr ? "" : page->url();
  if (pods != nullptr) {
    pods->Start();
  }
  reconciler.Start();
  OCELLUS_RETURN_IF_ERROR(TellReady(
      data_dir, {server->address(), metrics_server->address(), page_url}, objects->uri()));
  Log(LogSeverity::kInfo, "coordinator_stopping", {{"signal", shutdown->Wait()}});
  page = nullptr;
  server->Stop();
  reconciler.Stop();
  return absl::OkStatus();
}

}  // namespace
}  // namespace ocellus::coordinator

int main(int argc, char** argv) {
  using namespace ocellus::coordinator;
  // The transport's own lines are for those who debug it; ours say what to do.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  ShutdownSignal shutdown;
  CLI::App app{"Ocellus coordinator: takes jobs over gRPC and keeps them running.",
               "ocellus-coordinator"};
  Flags flags;
  AddFlags(&app, &flags);
  AddSecurityFlags(&app, &flags);
  AddKubernetesFlags(&app, &flags.kubernetes);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  const absl::Status status = Serve(flags, &shutdown);
  if (!status.ok()) {
    std::fprintf(stderr, "ocellus-coordinator: %s\n", std::string(status.message()).c_str());
    return kExitUsage;
  }
  return 0;
}
