#include <cstdio>
#include <filesystem>

#include "models/weights/weights.h"
#include "worker/checkpoint/restore.h"
#include "worker/checkpoint/retention.h"
#include "worker/trainer/commands.h"
#include "worker/trainer/initial_state.h"
#include "worker/trainer/job_file.h"
#include "worker/trainer/user_error.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

namespace fs = std::filesystem;

wire::Fault NoCheckpoint(const std::string& place) {
  return wire::Fault(wire::FaultClass::kUser, "NO_CHECKPOINT", place + " holds no checkpoint",
                     "give the folder with manifest.json, or the --out folder of a run");
}

// A checkpoint's own folder, or the newest one of a run.
checkpoint::Restored OpenCheckpoint(const std::string& place) {
  const std::string path = place.starts_with("file://") ? place.substr(7) : place;
  fs::path folder = fs::absolute(path).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  if (!fs::is_directory(folder)) throw NoCheckpoint(place);
  if (fs::exists(folder / checkpoint::kManifestName)) {
    const auto store = store::OpenStore("file://" + folder.parent_path().string());
    return checkpoint::Read(*store, {0, folder.filename().string() + "/"});
  }
  const auto store = store::OpenStore("file://" + folder.string());
  const auto found = checkpoint::ListCheckpoints(*store, "");
  if (found.empty()) throw NoCheckpoint(place);
  return checkpoint::Read(*store, found.front());
}

}  // namespace

int ExportCommand(const ExportOptions& options) {
  return WithErrorsTold([&] {
    const checkpoint::Restored restored = OpenCheckpoint(options.checkpoint);
    const auto objective = models::MakeObjective(restored.manifest.document, torch::kCPU);
    const auto& model = restored.files.at(checkpoint::kModelName);
    models::weights::LoadState(*objective, models::weights::FromFile(model), model.origin());
    if (options.full) {
      models::weights::ExportFull(*objective, options.out);
    } else {
      models::weights::ExportEncoder(*objective, options.out);
    }
    std::printf("%s: %s after step %lld\n", options.out.c_str(),
                options.full ? "all weights" : "the encoder",
                static_cast<long long>(restored.manifest.step));
    return 0;
  });
}

int ImportCommand(const ImportOptions& options) {
  return WithErrorsTold([&] {
    const auto objective = MakeRandomObjective(LoadReplaySpec(options.spec), torch::kCPU);
    LoadStartingWeights(*objective, options.weights);
    models::weights::ExportFull(*objective, options.out);
    std::printf("%s: start a job from it with init: {weights: %s}\n", options.out.c_str(),
                options.out.c_str());
    return 0;
  });
}

}  // namespace ocellus::trainer
