// Which checkpoints of a run by hand are there, and which may go. In a cluster the coordinator's
// table says so instead.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "worker/checkpoint/restore.h"
#include "worker/store/object_store.h"

namespace ocellus::checkpoint {

// Committed checkpoints (those with a manifest) under "<job_prefix>checkpoints/", newest first: by
// step, then by generation.
std::vector<Candidate> ListCheckpoints(store::ObjectStore& store, const std::string& job_prefix);

// Of `newest_first` those that neither belong to the `keep` newest nor lie at a multiple of
// `keep_every_steps` (0: none does). The newest stays whatever `keep` says.
std::vector<Candidate> Expired(const std::vector<Candidate>& newest_first, int64_t keep,
                               int64_t keep_every_steps);

// Deletes the manifest first, so that what an interruption leaves is no checkpoint.
void DeleteCheckpoint(store::ObjectStore& store, const std::string& prefix);

}  // namespace ocellus::checkpoint
