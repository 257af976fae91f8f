// Every metric of coordinator and agent: name, help, buckets. Grafana and alerts use these names.
#pragma once

#include <string>
#include <vector>

namespace ocellus::coordinator {

struct Metric {
  std::string name;
  std::string help;
  std::vector<double> buckets = {};  // of histograms
};

namespace metric {

inline const std::vector<double> kFastSeconds = {0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05,
                                                 0.1,    0.25,   0.5,   1,     2.5,  10};
inline const std::vector<double> kSlowSeconds = {0.1, 0.5, 1,   2.5, 5,    10,  30,
                                                 60,  120, 300, 600, 1800, 3600};

inline const Metric kBuildInfo{"ocellus_build_info",
                               "Version and commit of this process; always 1."};

// Coordinator.
inline const Metric kJobs{"ocellus_jobs", "Jobs by project and state."};
inline const Metric kJobsPending{"ocellus_jobs_pending", "Pending jobs by project and reason."};
inline const Metric kJobInfo{"ocellus_job_info", "One a job that has not ended; for joins."};
inline const Metric kJobQueueWait{"ocellus_job_queue_wait_seconds", "From pending to placed.",
                                  kSlowSeconds};
inline const Metric kJobStart{"ocellus_job_start_seconds",
                              "From placed to the first step of all ranks.", kSlowSeconds};
inline const Metric kJobGenerations{"ocellus_job_generations_total",
                                    "Gangs launched, by what made it necessary."};
inline const Metric kJobFailures{"ocellus_job_failures_total", "Gangs that failed, by class."};
inline const Metric kJobLostSteps{"ocellus_job_lost_steps_total",
                                  "Steps done after the last commit when a gang ended."};
inline const Metric kJobProductive{"ocellus_job_productive_seconds_total",
                                   "Time in which a job advanced beyond its earlier steps."};
inline const Metric kJobWall{"ocellus_job_wall_seconds_total",
                             "Time since a job's first placement, until it ends."};
inline const Metric kSchedulerCycle{"ocellus_scheduler_cycle_duration_seconds",
                                    "One pass of the reconcile loop.", kFastSeconds};
inline const Metric kNodes{"ocellus_nodes", "Nodes by state."};
inline const Metric kGpus{"ocellus_gpus", "GPUs by state: used, free, lost."};
inline const Metric kCpuSlots{"ocellus_cpu_slots", "CPU slots by state: used, free, lost."};
inline const Metric kNodeStrikes{"ocellus_node_strikes_total", "Faults laid to a node, by class."};
inline const Metric kLeader{"ocellus_leader", "1 when this coordinator decides."};
inline const Metric kStoreTransaction{"ocellus_store_transaction_duration_seconds",
                                      "Write transactions of the store, fsync included.",
                                      kFastSeconds};
inline const Metric kStoreErrors{"ocellus_store_errors_total",
                                 "Transactions that the disk refused."};
inline const Metric kStaleRejections{
    "ocellus_stale_generation_rejections_total",
    "Calls refused because the gang's generation or the node's session is no longer current."};
inline const Metric kGrpcHandled{"grpc_server_handled_total", "Calls finished, by status code."};
inline const Metric kGrpcHandling{"grpc_server_handling_seconds",
                                  "Time from a call's start to its status.", kFastSeconds};

// Agent.
inline const Metric kTrainStep{"ocellus_train_step", "Last finished optimizer step."};
inline const Metric kTrainStepDuration{"ocellus_train_step_duration_seconds",
                                       "Duration of a step, by phase.", kFastSeconds};
inline const Metric kTrainSamples{"ocellus_train_samples_total", "Samples trained on."};
inline const Metric kTrainLoss{"ocellus_train_loss", "Loss of the last finished step."};
inline const Metric kTrainLastProgress{"ocellus_train_last_progress_timestamp_seconds",
                                       "When a rank finished its last step."};
inline const Metric kTrainCollectiveWait{"ocellus_train_collective_wait_seconds_total",
                                         "Time waiting in collectives; the straggler waits least."};
inline const Metric kTrainStragglerRatio{"ocellus_train_straggler_ratio",
                                         "A rank's own time a step over the gang's median."};
inline const Metric kCheckpointDuration{"ocellus_checkpoint_duration_seconds",
                                        "Duration of a checkpoint's stages.", kSlowSeconds};
inline const Metric kCheckpointStall{"ocellus_checkpoint_stall_seconds_total",
                                     "Time in which training stood for checkpoints."};
inline const Metric kCheckpointLastCommit{"ocellus_checkpoint_last_commit_timestamp_seconds",
                                          "When the last checkpoint was committed."};
inline const Metric kCheckpointFailures{"ocellus_checkpoint_failures_total",
                                        "Checkpoints that did not commit, by reason."};
inline const Metric kCheckpointPaused{
    "ocellus_checkpoint_paused",
    "1 while the object storage takes no checkpoints and training goes on without."};
inline const Metric kCheckpointInterval{"ocellus_checkpoint_interval_seconds",
                                        "Time between two checkpoints as interval: auto chose it."};
inline const Metric kDataWait{"ocellus_data_wait_seconds_total", "Time waiting for input."};
inline const Metric kGpuMemory{"ocellus_gpu_memory_used_bytes", "GPU memory in use."};
inline const Metric kGpuEnergy{"ocellus_gpu_energy_joules_total", "Energy that a GPU has used."};
inline const Metric kGpuXid{"ocellus_gpu_xid_errors_total", "XID errors of the driver."};
inline const Metric kLogDropped{"ocellus_log_dropped_lines_total",
                                "Log lines lost before they reached the coordinator."};

}  // namespace metric
}  // namespace ocellus::coordinator
