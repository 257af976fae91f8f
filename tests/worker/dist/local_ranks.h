// Runs a function as several ranks: one forked process each, on 127.0.0.1, at a port that the
// kernel chose.
#pragma once

#include <functional>
#include <vector>

#include "worker/dist/rendezvous.h"

namespace ocellus::dist {

// Exit codes by rank: what `body` returned, 99 when it threw, 128 + N for signal N. Call it before
// this process has run LibTorch operators: only the forking thread lives on in a child.
std::vector<int> RunRanks(int world, const std::function<int(const Membership&)>& body);

}  // namespace ocellus::dist
