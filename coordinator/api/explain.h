// Why a job is where it is, in words, and what would move it.
#pragma once

#include <string>
#include <vector>

#include "ocellus/v1/service.pb.h"

namespace ocellus::coordinator {

// Fills explanation, next_steps and blocked_by of a response whose job is set. `slot_holders` are
// the jobs that have slots now.
void Explain(const std::vector<std::string>& slot_holders, v1::ExplainJobResponse* response);

}  // namespace ocellus::coordinator
