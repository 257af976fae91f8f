// The address of this machine that other ranks can reach.
#pragma once

#include <string>

namespace ocellus::dist {

// The local address that the kernel would use to talk to `host` ("127.0.0.1" for a run on one
// machine), so that no name of this machine has to resolve. Sends nothing. Throws wire::Fault
// (class infra_process) when `host` does not resolve or cannot be routed to.
std::string LocalAddressTowards(const std::string& host, int port);

}  // namespace ocellus::dist
