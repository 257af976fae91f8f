// Numbers on which coordinator, agent and CLI agree.
#pragma once

#include "absl/time/time.h"

namespace ocellus::coordinator {

inline constexpr char kVersion[] = OCELLUS_VERSION;

// Metadata that every client sends: "ocellus-protocol: 1".
inline constexpr char kProtocolKey[] = "ocellus-protocol";
inline constexpr int kProtocol = 1;

// A request larger than this is refused with TOO_LARGE. The transport takes more, so that the
// refusal can say what to do.
inline constexpr int kRequestBytesMax = 4 << 20;
inline constexpr int kTransportBytesMax = 32 << 20;

inline constexpr int kCoordinatorPort = 7410;
inline constexpr int kCoordinatorMetricsPort = 7411;
inline constexpr int kWorkerMetricsPort = 7412;
inline constexpr int kPagePort = 7413;

// Keepalive of clients; a server closes a connection that pings faster than it allows.
inline constexpr absl::Duration kKeepaliveTime = absl::Seconds(20);
inline constexpr absl::Duration kKeepaliveTimeout = absl::Seconds(10);
inline constexpr absl::Duration kKeepaliveLeastAllowed = absl::Seconds(10);

inline constexpr absl::Duration kHeartbeatInterval = absl::Seconds(5);
inline constexpr absl::Duration kLease = absl::Seconds(30);

}  // namespace ocellus::coordinator
