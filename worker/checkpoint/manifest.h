// manifest.json: what a checkpoint consists of. It is written last; without it there is no
// checkpoint. FORMAT.md has keys and layout.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace ocellus::checkpoint {

// 2: files in slices (slices.h), which earlier programs cannot put together. 1 is written, too,
// where there are none.
inline constexpr int kManifestVersion = 2;
inline constexpr char kManifestName[] = "manifest.json";
inline constexpr char kModelName[] = "model.safetensors";
inline constexpr char kOptimizerName[] = "optimizer.safetensors";

struct FileEntry {
  std::string name;  // relative to the checkpoint's prefix
  int64_t bytes = 0;
  std::string sha256;  // 64 hex digits
};

struct Manifest {
  std::string job;
  int64_t generation = 0;
  int64_t step = 0;     // optimizer steps done
  int64_t samples = 0;  // samples seen by the job
  std::vector<FileEntry> files;
  nlohmann::json document;  // the resolved training document
  nlohmann::json state =
      nlohmann::json::object();  // the trainer's own counters (skipped steps ...)
  // What was measured up to here, by name ("loss", "knn_accuracy"): what retention goes by.
  nlohmann::json metrics = nlohmann::json::object();
  std::string created;  // RFC 3339, UTC
  std::string trainer;  // version
};

std::string ToText(const Manifest& manifest);

// Throws wire::Fault (storage, CORRUPT_FILE) that names `origin` and the key at fault: no JSON, a
// missing key, a wrong type, a file name that is not one plain part, a later version.
Manifest ParseManifest(const std::string& text, const std::string& origin);

// Now, as manifests write it: "2026-01-31T12:00:00Z".
std::string RfcTime(int64_t unix_seconds);

// "<job_prefix>checkpoints/step-000000200/g0001-<id>/". `job_prefix` ends in '/' or is empty.
std::string CheckpointPrefix(const std::string& job_prefix, int64_t step, int64_t generation,
                             const std::string& id);

}  // namespace ocellus::checkpoint
