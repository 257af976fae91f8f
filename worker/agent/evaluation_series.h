// The series of /metrics that show what an encoder has learned: from the names of the trainer's
// `metric` events (FORMAT.md) to metrics and labels.
#pragma once

#include <string>

#include "coordinator/base/metrics.h"

namespace ocellus::agent {

// The metric that the trainer's `name` is a value of, with its labels but the job's. Null for a
// name that is not known here: only known ones become series, so that none can be without bound.
const coordinator::Metric* EvaluationSeries(const std::string& name,
                                            coordinator::Metrics::Labels* labels);

}  // namespace ocellus::agent
