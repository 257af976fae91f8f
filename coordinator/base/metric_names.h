// The table of every metric of coordinator and agent: name, help, buckets, labels. A name that ends
// in _total is a counter's, one with buckets a histogram's, any other a gauge's.
// docs/METRICS.md is written from this table by tools/metrics.py, and dashboards and alerts are
// held to it by tests; nothing else may be exported.
#pragma once

#include <string>
#include <vector>

namespace ocellus::coordinator {

struct Metric {
  std::string name;
  std::string help;
  std::vector<double> buckets = {};      // of histograms
  std::vector<std::string> labels = {};  // that every series of it has
};

namespace metric {

inline const std::vector<double> kFastSeconds = {0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05,
                                                 0.1,    0.25,   0.5,   1,     2.5,  10};
inline const std::vector<double> kSlowSeconds = {0.1, 0.5, 1,   2.5, 5,    10,  30,
                                                 60,  120, 300, 600, 1800, 3600};

inline const Metric kBuildInfo{"ocellus_build_info",
                               "Version and commit of this process; always 1.",
                               {},
                               {"version", "commit"}};

// Coordinator.
inline const Metric kJobs{"ocellus_jobs", "Jobs by project and state.", {}, {"project", "state"}};
inline const Metric kJobsPending{
    "ocellus_jobs_pending", "Pending jobs by project and reason.", {}, {"project", "reason"}};
inline const Metric kJobInfo{"ocellus_job_info",
                             "One a job that has not ended; for joins.",
                             {},
                             {"job", "name", "project", "objective"}};
inline const Metric kJobQueueWait{
    "ocellus_job_queue_wait_seconds", "From pending to placed.", kSlowSeconds, {"project"}};
inline const Metric kJobStart{"ocellus_job_start_seconds",
                              "From placed to the first step of all ranks.",
                              kSlowSeconds,
                              {"project"}};
inline const Metric kJobGenerations{"ocellus_job_generations_total",
                                    "Gangs launched, by what made it necessary.",
                                    {},
                                    {"project", "cause"}};
inline const Metric kJobFailures{
    "ocellus_job_failures_total", "Gangs that failed, by class.", {}, {"project", "class"}};
inline const Metric kJobLostSteps{"ocellus_job_lost_steps_total",
                                  "Steps done after the last commit when a gang ended.",
                                  {},
                                  {"project", "cause"}};
inline const Metric kJobProductive{"ocellus_job_productive_seconds_total",
                                   "Time in which a job advanced beyond its earlier steps.",
                                   {},
                                   {"job"}};
inline const Metric kJobWall{"ocellus_job_wall_seconds_total",
                             "Time since a job's first placement, until it ends.",
                             {},
                             {"job"}};
inline const Metric kSchedulerCycle{"ocellus_scheduler_cycle_duration_seconds",
                                    "One pass of the reconcile loop.", kFastSeconds};
inline const Metric kNodes{"ocellus_nodes", "Nodes by state.", {}, {"state"}};
inline const Metric kGpus{"ocellus_gpus", "GPUs by state: used, free, lost.", {}, {"state"}};
inline const Metric kCpuSlots{
    "ocellus_cpu_slots", "CPU slots by state: used, free, lost.", {}, {"state"}};
inline const Metric kNodeStrikes{
    "ocellus_node_strikes_total", "Faults laid to a node, by class.", {}, {"node", "class"}};
inline const Metric kProjectUsedGpus{
    "ocellus_project_used_gpus", "GPUs that ranks of a project hold.", {}, {"project"}};
inline const Metric kProjectUsedCpuSlots{
    "ocellus_project_used_cpu_slots", "CPU slots that ranks of a project hold.", {}, {"project"}};
inline const Metric kLeader{"ocellus_leader", "1 when this coordinator decides."};
inline const Metric kStoreTransaction{"ocellus_store_transaction_duration_seconds",
                                      "Write transactions of the store, fsync included.",
                                      kFastSeconds,
                                      {"op"}};
inline const Metric kStoreErrors{"ocellus_store_errors_total",
                                 "Transactions that the disk refused."};
inline const Metric kStaleRejections{
    "ocellus_stale_generation_rejections_total",
    "Calls refused because the gang's generation or the node's session is no longer current.",
    {},
    {"rpc"}};
inline const Metric kKubernetesWatchRestarts{
    "ocellus_kubernetes_watch_restarts_total",
    "Times that watching worker pods began again: timeout (in order), cut, gone_status and "
    "gone_event (410), unauthorized, throttled, error.",
    {},
    {"reason"}};
inline const Metric kGrpcHandled{"grpc_server_handled_total",
                                 "Calls finished, by status code.",
                                 {},
                                 {"grpc_service", "grpc_method", "grpc_code"}};
inline const Metric kGrpcHandling{"grpc_server_handling_seconds",
                                  "Time from a call's start to its status.",
                                  kFastSeconds,
                                  {"grpc_service", "grpc_method"}};
inline const Metric kAuthFailures{"ocellus_auth_failures_total",
                                  "Credentials that were refused: token, certificate or join.",
                                  {},
                                  {"kind"}};
inline const Metric kAuthDenied{
    "ocellus_auth_denied_total", "Calls refused for want of a role, by method.", {}, {"method"}};
inline const Metric kCertificateExpiry{
    "ocellus_certificate_expiry_timestamp_seconds",
    "When the server's certificate and the authority that signs node certificates expire.",
    {},
    {"certificate"}};

// Agent.
inline const Metric kWorkerInfo{"ocellus_worker_info",
                                "Node and host of this agent; always 1; for joins.",
                                {},
                                {"node", "host"}};
inline const Metric kTrainImages{
    "ocellus_train_images_per_second",
    "Images that the whole gang trains on in a second, as rank 0 sees it.",
    {},
    {"job"}};
inline const Metric kTrainSkipped{
    "ocellus_train_skipped_steps_total",
    "Optimizer steps skipped because loss or gradient was not finite.",
    {},
    {"job"}};
inline const Metric kTrainChanceLoss{
    "ocellus_train_chance_loss",
    "Loss of an encoder that knows nothing, to read the real one against.",
    {},
    {"job"}};
inline const Metric kTrainCollapsed{"ocellus_train_collapsed",
                                    "1 while the encoder's features are the same for every image, "
                                    "in two checks in a row, or not finite; see the job's events.",
                                    {},
                                    {"job"}};
inline const Metric kTrainKnnAccuracy{
    "ocellus_train_knn_accuracy",
    "kNN accuracy (0 to 1) of the encoder: trained, or initial or raw pixels for comparison.",
    {},
    {"job", "encoder"}};
inline const Metric kTrainProbeAccuracy{"ocellus_train_probe_accuracy",
                                        "Linear probe accuracy (0 to 1) of the encoder: trained, "
                                        "or initial or raw pixels for comparison.",
                                        {},
                                        {"job", "encoder"}};
inline const Metric kTrainZeroShotAccuracy{
    "ocellus_train_zero_shot_accuracy",
    "Share of images whose class is among the best k given its name.",
    {},
    {"job", "encoder", "k"}};
inline const Metric kTrainRecall{"ocellus_train_retrieval_recall",
                                 "Share of pairs whose partner is among the first k found.",
                                 {},
                                 {"job", "direction", "k"}};
inline const Metric kTrainFeatureStd{
    "ocellus_train_feature_std", "Mean standard deviation of a feature of length 1.", {}, {"job"}};
inline const Metric kTrainFeatureStdRatio{"ocellus_train_feature_std_ratio",
                                          "The same over the healthy 1/sqrt(dim); 0 is a collapse.",
                                          {},
                                          {"job"}};
inline const Metric kTrainEffectiveRank{
    "ocellus_train_effective_rank",
    "Directions that features use: exp of their singular values' entropy.",
    {},
    {"job"}};
inline const Metric kTrainStep{"ocellus_train_step", "Last finished optimizer step.", {}, {"job"}};
inline const Metric kTrainStepDuration{"ocellus_train_step_duration_seconds",
                                       "Duration of a step, by phase.",
                                       kFastSeconds,
                                       {"job", "phase"}};
inline const Metric kTrainSamples{
    "ocellus_train_samples_total", "Samples trained on.", {}, {"job"}};
inline const Metric kTrainLoss{
    "ocellus_train_loss", "Loss of the last finished step.", {}, {"job"}};
inline const Metric kTrainLastProgress{"ocellus_train_last_progress_timestamp_seconds",
                                       "When a rank finished its last step.",
                                       {},
                                       {"job", "rank"}};
inline const Metric kTrainCollectiveWait{"ocellus_train_collective_wait_seconds_total",
                                         "Time waiting in collectives; the straggler waits least.",
                                         {},
                                         {"job", "rank"}};
inline const Metric kTrainStragglerRatio{"ocellus_train_straggler_ratio",
                                         "A rank's own time a step over the gang's median.",
                                         {},
                                         {"job", "rank"}};
inline const Metric kCheckpointDuration{"ocellus_checkpoint_duration_seconds",
                                        "Duration of a checkpoint's stages.",
                                        kSlowSeconds,
                                        {"job", "stage"}};
inline const Metric kCheckpointStall{"ocellus_checkpoint_stall_seconds_total",
                                     "Time in which training stood for checkpoints.",
                                     {},
                                     {"job"}};
inline const Metric kCheckpointLastCommit{"ocellus_checkpoint_last_commit_timestamp_seconds",
                                          "When the last checkpoint was committed.",
                                          {},
                                          {"job"}};
inline const Metric kCheckpointFailures{"ocellus_checkpoint_failures_total",
                                        "Checkpoints that did not commit, by reason.",
                                        {},
                                        {"job", "reason"}};
inline const Metric kCheckpointPaused{
    "ocellus_checkpoint_paused",
    "1 while the object storage takes no checkpoints and training goes on without.",
    {},
    {"job"}};
inline const Metric kCheckpointInterval{"ocellus_checkpoint_interval_seconds",
                                        "Time between two checkpoints as interval: auto chose it.",
                                        {},
                                        {"job"}};
inline const Metric kDataWait{
    "ocellus_data_wait_seconds_total", "Time waiting for input.", {}, {"job", "rank"}};
inline const Metric kGpuMemory{
    "ocellus_gpu_memory_used_bytes", "GPU memory in use.", {}, {"gpu", "uuid"}};
inline const Metric kGpuMemoryTotal{
    "ocellus_gpu_memory_total_bytes", "GPU memory that there is.", {}, {"gpu", "uuid"}};
inline const Metric kGpuClock{"ocellus_gpu_clock_hertz",
                              "Present clock of a GPU: sm or memory.",
                              {},
                              {"gpu", "uuid", "clock"}};
inline const Metric kGpuTemperature{
    "ocellus_gpu_temperature_celsius", "Temperature of a GPU.", {}, {"gpu", "uuid"}};
inline const Metric kGpuEnergy{
    "ocellus_gpu_energy_joules_total", "Energy that a GPU has used.", {}, {"gpu", "uuid"}};
inline const Metric kGpuXid{
    "ocellus_gpu_xid_errors_total", "XID errors of the driver.", {}, {"gpu", "xid"}};
inline const Metric kLogDropped{"ocellus_log_dropped_lines_total",
                                "Log lines lost before they reached the coordinator.",
                                {},
                                {"job"}};

}  // namespace metric
}  // namespace ocellus::coordinator
