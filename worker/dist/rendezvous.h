// How the ranks of one gang find each other: a key-value store that rank 0 serves at
// MASTER_ADDR:MASTER_PORT (torchrun's names), used only until the ranks are connected.
#pragma once

#include <c10/util/intrusive_ptr.h>

#include <chrono>
#include <string>

namespace c10d {
class Store;
}

namespace ocellus::dist {

struct Membership {
  int rank = 0;
  int world = 1;
  std::string master_addr = "127.0.0.1";
  int master_port = 0;
  // A socket that already listens on master_port, handed to rank 0 by the process that chose the
  // port, so that nobody else can take it in between. -1: rank 0 binds the port itself.
  int listen_fd = -1;
  // The store is served by somebody else (torchrun's agent), not by rank 0.
  bool served = false;
  // Ranks of another gang that meet at the same port never mix ("g3").
  std::string gang = "g1";
};

// Waits at most `limit` for rank 0's store. Throws wire::Fault (class infra_process, PEER_LOST)
// when the port is taken, rank 0 does not answer, or the gang is not complete in time.
c10::intrusive_ptr<c10d::Store> Rendezvous(const Membership& membership,
                                           std::chrono::milliseconds limit);

}  // namespace ocellus::dist
