#include "worker/checkpoint/interval.h"

#include <algorithm>
#include <cmath>

namespace ocellus::checkpoint {

double BestInterval(double stall_s, double fault_interval_s) {
  const double least = std::max(kIntervalLeastS, stall_s / kStallShareMost);
  const double most = std::max(kIntervalMostS, least);
  return std::clamp(std::sqrt(2 * std::max(stall_s, 0.0) * std::max(fault_interval_s, 0.0)), least,
                    most);
}

}  // namespace ocellus::checkpoint
