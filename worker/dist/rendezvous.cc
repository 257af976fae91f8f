#include "worker/dist/rendezvous.h"

#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "worker/wire/fault.h"

namespace ocellus::dist {
namespace {

c10d::TCPStoreOptions Options(const Membership& membership, std::chrono::milliseconds limit) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(membership.master_port);
  options.isServer = membership.rank == 0 && !membership.served;
  options.numWorkers = static_cast<std::size_t>(membership.world);
  options.waitWorkers = false;  // the check below counts this gang's ranks alone
  options.timeout = limit;
  if (options.isServer && membership.listen_fd >= 0) options.masterListenFd = membership.listen_fd;
  return options;
}

void WaitForAll(c10d::Store& store, const Membership& membership, std::chrono::milliseconds limit) {
  const std::string mine = "here/" + std::to_string(membership.rank);
  store.set(mine, std::vector<uint8_t>{1});
  std::vector<std::string> all;
  for (int rank = 0; rank < membership.world; ++rank) all.push_back("here/" + std::to_string(rank));
  store.wait(all, limit);
}

}  // namespace

c10::intrusive_ptr<c10d::Store> Rendezvous(const Membership& membership,
                                           std::chrono::milliseconds limit) {
  const std::string place = membership.master_addr + ":" + std::to_string(membership.master_port);
  try {
    auto server =
        c10::make_intrusive<c10d::TCPStore>(membership.master_addr, Options(membership, limit));
    auto store = c10::make_intrusive<c10d::PrefixStore>(membership.gang, server);
    WaitForAll(*store, membership, limit);
    return store;
  } catch (const std::exception& error) {
    throw wire::Fault(wire::FaultClass::kInfraProcess, "PEER_LOST",
                      "rank " + std::to_string(membership.rank) + " of " +
                          std::to_string(membership.world) + " did not meet the others at " +
                          place + ": " + error.what(),
                      "see the other ranks' logs; check MASTER_ADDR and MASTER_PORT");
  }
}

}  // namespace ocellus::dist
