// Ranks as threads of one process, for what must not depend on how many there are.
#pragma once

#include <functional>

#include "models/collectives.h"

namespace ocellus::models::ops {

// Runs `body` on `world` threads, each with its own end of one exchange, and waits for all.
// Rethrows the first exception of a rank; the others must then end by themselves.
void RunRanks(int world, const std::function<void(Collectives&)>& body);

}  // namespace ocellus::models::ops
