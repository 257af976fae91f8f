// A job as clients see it: the row, with what is known from elsewhere.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/auth/caller.h"
#include "coordinator/fleet/live_gangs.h"
#include "coordinator/state/gangs.h"
#include "coordinator/state/jobs.h"
#include "coordinator/state/sqlite.h"
#include "ocellus/v1/job.pb.h"

namespace ocellus::coordinator {

enum class Detail {
  kFull,
  kBrief,  // without the training documents: for lists
};

absl::StatusOr<v1::Job> ViewJob(Database& db, const JobRow& row, const LiveGangs& live,
                                const std::string& store_uri, Detail detail);

// Ids of the jobs that have slots, of those that the caller may see. `occupied`: by node.
absl::StatusOr<std::set<std::string>> VisibleHolders(
    Database& db, const Caller& caller,
    const std::map<std::string, std::vector<Occupied>>& occupied);

}  // namespace ocellus::coordinator
