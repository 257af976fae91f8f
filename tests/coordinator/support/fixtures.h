// Documents and rows that tests of the coordinator start from.
#pragma once

#include <string>

#include "ocellus/v1/job.pb.h"
#include "tests/support/temp_folder.h"

namespace ocellus::coordinator {

// A sound training document: a tiny MAE.
std::string TrainingJson();
// A sound job on CPU.
v1::JobSpec Spec(const std::string& name, int ranks = 2);

}  // namespace ocellus::coordinator
