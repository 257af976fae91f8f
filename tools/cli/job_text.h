// A job in words.
#pragma once

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "ocellus/v1/service.pb.h"
#include "tools/cli/table.h"

namespace ocellus::cli {

Table JobTable(const std::vector<v1::Job>& jobs, bool wide, absl::Time now);

// Several lines; the last ones are the last failure and the last commit.
std::string JobDetails(const v1::Job& job, absl::Time now);

// "step 120/500  24 %  loss 0.8312  312 images/s  ETA 2m10s".
std::string ProgressText(const v1::Progress& progress);

// "RUNNING (TRAINING): message".
std::string StateLine(const v1::Job& job);

// "INFRA_PROCESS on node-1, rank 1: SIGKILL: message".
std::string FailureLine(const v1::Failure& failure);

Table EventTable(const std::vector<v1::JobEvent>& events);

Table CheckpointTable(const std::vector<v1::Checkpoint>& checkpoints, bool wide, absl::Time now);

Table NodeTable(const std::vector<v1::Node>& nodes, bool wide, absl::Time now);

}  // namespace ocellus::cli
