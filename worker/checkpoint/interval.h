// How often to save when nobody said (checkpoint.interval: auto).
#pragma once

namespace ocellus::checkpoint {

inline constexpr double kIntervalLeastS = 30;
inline constexpr double kIntervalMostS = 3600;
// What checkpoints may take of a run's time.
inline constexpr double kStallShareMost = 0.005;

// Seconds between two checkpoints of which each holds training up for `stall_s`, when a fault is to
// be expected every `fault_interval_s`: sqrt(2 * stall * interval), where the time lost to saving
// and the work lost to faults are together the least (Young 1974; Daly 2006 in first order). Not
// below 30 s, not above an hour, and never so short that the stalls are more than 0.5 % of the
// time, which counts for more than the hour.
double BestInterval(double stall_s, double fault_interval_s);

}  // namespace ocellus::checkpoint
