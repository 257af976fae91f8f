#include "coordinator/auth/credentials.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "coordinator/auth/gate.h"
#include "coordinator/base/error.h"
#include "coordinator/base/random_id.h"

namespace ocellus::coordinator {
namespace {

constexpr char kAuthorization[] = "authorization";
constexpr char kBearer[] = "bearer ";
constexpr char kPath[] = ":path";
constexpr char kReflection[] = "/grpc.reflection.";
constexpr char kPemProperty[] = "x509_pem_cert";
// gRPC does not tell a processor who the peer is: those without a credential share one limit.
constexpr char kSomebody[] = "somebody";
constexpr int kSecretLength = 32;

std::string Text(const grpc::string_ref& ref) { return std::string(ref.data(), ref.size()); }

template <typename Metadata>
std::string TokenIn(const Metadata& metadata) {
  const auto found = metadata.find(kAuthorization);
  if (found == metadata.end()) return "";
  const std::string value = Text(found->second);
  return absl::StartsWithIgnoreCase(value, kBearer) ? value.substr(sizeof(kBearer) - 1) : value;
}

std::string CertificateIn(const grpc::AuthContext& context) {
  const auto found = context.FindPropertyValues(kPemProperty);
  return found.empty() ? "" : Text(found.front());
}

std::string PeerOf(const grpc::ServerContext& context) {
  const auto told = context.client_metadata().find(kPagePeerKey);
  const std::string value = told == context.client_metadata().end() ? "" : Text(told->second);
  const std::string own = PagePeer("");
  return absl::StartsWith(value, own) ? value.substr(own.size()) : AddressOf(context.peer());
}

class ReflectionGuard final : public grpc::AuthMetadataProcessor {
 public:
  explicit ReflectionGuard(Gate* gate) : gate_(gate) {}

  // Reads the store.
  bool IsBlocking() const override { return true; }

  grpc::Status Process(const InputMetadata& metadata, grpc::AuthContext* context,
                       OutputMetadata* consumed, OutputMetadata* response) override {
    const auto path = metadata.find(kPath);
    if (path == metadata.end() || !absl::StartsWith(Text(path->second), kReflection)) {
      return grpc::Status::OK;
    }
    return ToGrpc(gate_->CheckCredential(TokenIn(metadata), CertificateIn(*context), kSomebody));
  }

 private:
  Gate* gate_;
};

}  // namespace

std::string PagePeer(const std::string& address) {
  static const auto* secret = new std::string(RandomName(kSecretLength));
  return absl::StrCat(*secret, " ", address);
}

Offered OfferedBy(const grpc::ServerContext& context) {
  Offered offered;
  offered.token = TokenIn(context.client_metadata());
  if (const auto auth = context.auth_context(); auth != nullptr) {
    offered.certificate = CertificateIn(*auth);
  }
  offered.peer = PeerOf(context);
  return offered;
}

std::shared_ptr<grpc::AuthMetadataProcessor> GuardReflection(Gate* gate) {
  return std::make_shared<ReflectionGuard>(gate);
}

}  // namespace ocellus::coordinator
