// Several ranks on this machine, one process each.
#pragma once

#include <functional>

#include "worker/dist/rendezvous.h"

namespace ocellus::trainer {

// Forks `ranks` processes that run `body`, which meet at a port of 127.0.0.1 that is theirs
// already, and waits for all of them. When one fails, the others get a moment to notice and are
// then killed; SIGTERM and SIGINT are passed on; they die with this process. Returns 0, or the code
// of the rank that failed first (2 before others when any returned 2).
//
// REQUIRES: no other thread runs, and LibTorch has not been used yet.
int RunLocalRanks(int ranks, const std::function<int(const dist::Membership&)>& body);

}  // namespace ocellus::trainer
