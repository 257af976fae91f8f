// What a call offers as proof of who makes it.
#pragma once

#include <memory>
#include <string>

#include "grpcpp/grpcpp.h"
#include "grpcpp/security/auth_metadata_processor.h"

namespace ocellus::coordinator {

class Gate;

// Metadata of calls that the page makes within this process: the address of who asked it, with a
// secret of the process, so that nobody else can say to be another.
inline constexpr char kPagePeerKey[] = "ocellus-page-peer";
std::string PagePeer(const std::string& address);

struct Offered {
  std::string token;        // of "authorization: Bearer ...", else empty
  std::string certificate;  // PEM of the client's, whose chain the handshake has checked
  std::string peer;         // address without the port
};
Offered OfferedBy(const grpc::ServerContext& context);

// Asks for a credential before reflection, which none of our services serves. `gate` outlives it.
std::shared_ptr<grpc::AuthMetadataProcessor> GuardReflection(Gate* gate);

}  // namespace ocellus::coordinator
