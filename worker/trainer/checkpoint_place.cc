#include "worker/trainer/checkpoint_place.h"

#include <filesystem>

#include "models/weights/weights.h"
#include "worker/checkpoint/retention.h"
#include "worker/trainer/job_file.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

namespace fs = std::filesystem;

wire::Fault NoCheckpoint(const std::string& place) {
  return wire::Fault(wire::FaultClass::kUser, "NO_CHECKPOINT", place + " holds no checkpoint",
                     "give the folder with manifest.json, or the --out folder of a run");
}

checkpoint::Restored ReadFilledIn(store::ObjectStore& store, const checkpoint::Candidate& from) {
  checkpoint::Restored restored = checkpoint::Read(store, from);
  nlohmann::json& document = restored.manifest.document;
  document = FilledIn(document, from.prefix + checkpoint::kManifestName);
  return restored;
}

}  // namespace

checkpoint::Restored OpenCheckpoint(const std::string& place) {
  const std::string path = place.starts_with("file://") ? place.substr(7) : place;
  fs::path folder = fs::absolute(path).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  if (!fs::is_directory(folder)) throw NoCheckpoint(place);
  if (fs::exists(folder / checkpoint::kManifestName)) {
    const auto store = store::OpenStore("file://" + folder.parent_path().string());
    return ReadFilledIn(*store, {0, folder.filename().string() + "/"});
  }
  const auto store = store::OpenStore("file://" + folder.string());
  const auto found = checkpoint::ListCheckpoints(*store, "");
  if (found.empty()) throw NoCheckpoint(place);
  return ReadFilledIn(*store, found.front());
}

std::unique_ptr<models::Objective> ObjectiveOf(const checkpoint::Restored& restored,
                                               const nlohmann::json& training,
                                               torch::Device device) {
  auto objective = models::MakeObjective(training, device);
  const auto& model = restored.files.at(checkpoint::kModelName);
  models::weights::LoadState(*objective, models::weights::FromFile(model), model.origin());
  return objective;
}

}  // namespace ocellus::trainer
