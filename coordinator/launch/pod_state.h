// A worker pod as we made it and as the API server shows it.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"

namespace ocellus::coordinator {

// Labels of every worker pod. The first tells installations in one namespace apart and is what is
// watched; the job's id never comes again, so that it also tells whose an object is.
inline constexpr char kLauncherLabel[] = "ocellus.dev/launcher";
inline constexpr char kJobLabel[] = "ocellus.dev/job";
inline constexpr char kGenerationLabel[] = "ocellus.dev/generation";
inline constexpr char kIndexLabel[] = "ocellus.dev/index";
// The gang that runs there now; changed by server-side apply when a pod serves a later one.
inline constexpr char kServesAnnotation[] = "ocellus.dev/serves-generation";

struct PodState {
  std::string name;  // and the node name of its worker
  std::string uid;
  std::string job_id;
  int64_t generation = 0;  // that it was made for
  int index = 0;           // of the gang's pods, from 0
  int64_t serves = 0;      // 0: no gang as yet
  std::string phase;       // "Pending", "Running", "Succeeded", "Failed"
  bool bound = false;      // a machine was chosen for it
  bool deleting = false;   // deletionTimestamp: evicted, drained or deleted
  std::string trouble;     // why it does not run: the scheduler's words, or the kubelet's

  bool ended() const { return phase == "Succeeded" || phase == "Failed"; }
};

// "<job>-g<generation>-<index>".
std::string PodName(const std::string& job_id, int64_t generation, int index);

// INVALID_ARGUMENT for what is no pod of ours.
absl::StatusOr<PodState> ReadPod(const nlohmann::json& object);

}  // namespace ocellus::coordinator
