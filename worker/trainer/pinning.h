// Which processors a rank runs on, where a machine's ranks are started together.
#pragma once

#include <vector>

namespace ocellus::trainer {

// The part of `cpus` that belongs to rank `index` of `ranks`: equal shares of neighbours, what is
// left over to the first ranks. Empty when a share would have fewer than `threads`.
std::vector<int> ShareOfCpus(const std::vector<int>& cpus, int index, int ranks, int threads);

// Keeps this process, and all threads that it starts from now on, on its share of the processors
// that it may use, so that ranks neither wander nor share caches by chance. Does nothing and says
// false where shares would be too small, with one rank, or when the environment says
// OCELLUS_PIN=off. Not for ranks beside which others may be started: those would share the first
// processors.
bool PinToShare(int index, int ranks, int threads);

}  // namespace ocellus::trainer
