// Brings a checkpoint to another place.
#pragma once

#include <string>

#include "worker/checkpoint/restore.h"
#include "worker/store/object_store.h"

namespace ocellus::checkpoint {

// Copies every file of `candidate` below `prefix` of `to`, checking size and SHA-256 on the way,
// and puts the manifest last; it says under `copied_from` where it came from. Returns the bytes.
// Throws wire::Fault: what Read throws (of the origin); EXISTS (user) when the place holds a
// checkpoint already; the destination's own faults. What was written until then is removed.
int64_t Copy(store::ObjectStore& from, const Candidate& candidate, store::ObjectStore& to,
             const std::string& prefix);

}  // namespace ocellus::checkpoint
