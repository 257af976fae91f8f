// An optimizer whose state is spread over the ranks (Rajbhandari et al. 2019, arXiv:1910.02054,
// stage 1): each keeps the state of its share of the parameters, updates them, and hands them to
// the others.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "models/collectives.h"
#include "models/optim/optimizer.h"

namespace ocellus::models::optim {

using MakeInner = std::function<std::unique_ptr<Optimizer>(std::vector<NamedParameter>)>;

// What `make` makes, of the same numbers bit by bit; `ranks` must outlive it. Every parameter is
// one rank's as a whole, so that a share is as large as the others give or take a parameter. Step
// and Gather are exchanges of all ranks. State is the whole one, on the host: Gather must have been
// called after the last step, else it throws std::logic_error. LoadState takes a whole state, of
// any number of ranks.
std::unique_ptr<Optimizer> MakeSharded(const MakeInner& make,
                                       std::vector<NamedParameter> parameters, Collectives& ranks);

}  // namespace ocellus::models::optim
