#include "coordinator/client/channel.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "coordinator/base/protocol.h"
#include "grpcpp/security/tls_certificate_provider.h"
#include "grpcpp/security/tls_credentials_options.h"

namespace ocellus::coordinator {
namespace {

namespace tls = grpc::experimental;

// A coordinator that restarts is back within seconds: look often. A refused attempt ends at once;
// one that a network swallows has the longer time.
constexpr absl::Duration kFirstReconnect = absl::Milliseconds(100);
constexpr absl::Duration kLastReconnect = absl::Milliseconds(300);
constexpr absl::Duration kConnectTime = absl::Seconds(5);

constexpr unsigned kWatchSeconds = 1;

std::shared_ptr<grpc::ChannelCredentials> TlsOf(const Approach& approach) {
  if (approach.authority.empty() && approach.certificate.empty()) {
    return grpc::SslCredentials(grpc::SslCredentialsOptions());
  }
  tls::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(std::make_shared<tls::FileWatcherCertificateProvider>(
      approach.key, approach.certificate, approach.authority, kWatchSeconds));
  if (!approach.authority.empty()) options.watch_root_certs();
  if (!approach.certificate.empty()) options.watch_identity_key_cert_pairs();
  return tls::TlsCredentials(options);
}

std::shared_ptr<grpc::ChannelCredentials> CredentialsOf(const Approach& approach) {
  if (approach.plaintext) return grpc::InsecureChannelCredentials();
  const auto channel = TlsOf(approach);
  return approach.token.empty() ? channel
                                : grpc::CompositeChannelCredentials(
                                      channel, grpc::AccessTokenCredentials(approach.token));
}

int Ms(absl::Duration duration) { return static_cast<int>(absl::ToInt64Milliseconds(duration)); }

}  // namespace

std::shared_ptr<grpc::Channel> Connect(const std::string& address, const Approach& approach) {
  grpc::ChannelArguments args;
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Ms(kKeepaliveTime));
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Ms(kKeepaliveTimeout));
  args.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, Ms(kFirstReconnect));
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, Ms(kConnectTime));
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, Ms(kLastReconnect));
  // Which calls may be repeated is decided in call.h; a cluster is not reached through a web proxy.
  args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  args.SetMaxReceiveMessageSize(kTransportBytesMax);
  args.SetMaxSendMessageSize(kTransportBytesMax);
  args.SetUserAgentPrefix(absl::StrCat("ocellus/", kVersion));
  return grpc::CreateCustomChannel(address, CredentialsOf(approach), args);
}

void Prepare(grpc::ClientContext* context, absl::Duration timeout) {
  context->AddMetadata(kProtocolKey, absl::StrCat(kProtocol));
  context->set_deadline(absl::ToChronoTime(absl::Now() + timeout));
}

}  // namespace ocellus::coordinator
