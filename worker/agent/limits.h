// Every wait and size of the agent, in one place; tests make them short.
#pragma once

#include <chrono>
#include <cstdint>

namespace ocellus::agent {

// Deadlines inside the agent are on this clock, which does not jump.
using SteadyClock = std::chrono::steady_clock;
using SteadyTime = SteadyClock::time_point;
using Millis = std::chrono::milliseconds;

struct Limits {
  // The stop protocol: answer to `stop`; from SIGTERM (at the end of the grace) to SIGKILL.
  Millis stop_ack{5000};
  Millis term_to_kill{10000};
  // From SIGTERM to SIGKILL for the ranks of a gang that has lost one.
  Millis peer_term_to_kill{5000};
  // Training goes on unseen for so long, then it stops.
  Millis orphan_timeout{15 * 60 * 1000};
  // For ranks to stop, and then for their ends to be reported, when the agent itself is stopped.
  Millis shutdown_grace{10000};
  Millis shutdown_report{5000};
  // How long a starting agent believes that the other holder of its node name may be dead.
  Millis register_tries{15000};
  // How long a commit is tried again while the coordinator answers that its store cannot write.
  // While it does not answer at all there is no limit.
  Millis commit_tries{120000};
  // Between tries, doubling.
  Millis retry_first{100};
  Millis retry_last{5000};
  // Between looks for a coordinator that does not answer at all. With the channel's own pause
  // (coordinator/client) one that is back is found within a second.
  Millis reconnect_last{300};
  Millis call_deadline{10000};
  // Progress of rank 0 and of the others is sent no more often than this.
  Millis progress_interval{250};
  Millis peer_progress_interval{2000};
  // Between two looks at the GPUs, and how long one wait for their errors is.
  Millis gpu_read{5000};
  Millis gpu_wait{200};
  // Series of a job stay so long after its end.
  Millis series_kept{5 * 60 * 1000};
  // How long the state of a gang that failed stays in memory for the next generation.
  Millis memory_kept{15 * 60 * 1000};
  // Log lines that wait on disk, for one rank; the oldest segment goes first.
  int64_t spool_bytes_max = int64_t{256} << 20;
  int64_t spool_segment_bytes = int64_t{4} << 20;
};

// Facts of a gang that wait for the coordinator; progress replaces itself and does not count.
inline constexpr int kEventsMax = 1000;
inline constexpr int kLastLines = 50;
inline constexpr int kLogLineBytesMax = 16 << 10;
// One PutLogs; a request may have 4 MiB.
inline constexpr int64_t kLogBatchBytesMax = 1 << 20;

}  // namespace ocellus::agent
