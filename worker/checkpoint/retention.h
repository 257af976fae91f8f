// Which checkpoints of a run by hand are there, and which may go. In a cluster the coordinator's
// table says so instead.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "worker/checkpoint/restore.h"
#include "worker/store/object_store.h"

namespace ocellus::checkpoint {

// Committed checkpoints (those with a manifest) under "<job_prefix>checkpoints/", newest first: by
// step, then by generation.
std::vector<Candidate> ListCheckpoints(store::ObjectStore& store, const std::string& job_prefix);

// What a run keeps. `best`: steps that stay for their metric.
struct RetentionPolicy {
  int64_t keep = 1;
  int64_t keep_every_steps = 0;
  std::set<int64_t> best = {};
};

// Of `newest_first` those that neither belong to the `keep` newest nor lie at a multiple of
// `keep_every_steps` (0: none does) nor are among the best. The newest stays whatever `keep` says.
std::vector<Candidate> Expired(const std::vector<Candidate>& newest_first,
                               const RetentionPolicy& policy);

// The steps of the `keep_best` candidates with the best `metric` in their manifests: the least
// loss, or the most of anything else. A manifest that cannot be read, or lacks it, is none of them.
std::set<int64_t> BestSteps(store::ObjectStore& store, const std::vector<Candidate>& candidates,
                            const std::string& metric, size_t keep_best);

// Deletes the manifest first, so that what an interruption leaves is no checkpoint.
void DeleteCheckpoint(store::ObjectStore& store, const std::string& prefix);

}  // namespace ocellus::checkpoint
