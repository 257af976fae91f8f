#include "worker/trainer/checkpoint_place.h"

#include <filesystem>

#include "models/weights/weights.h"
#include "worker/checkpoint/retention.h"
#include "worker/store/store_uri.h"
#include "worker/trainer/job_file.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

namespace fs = std::filesystem;

wire::Fault NoCheckpoint(const std::string& place) {
  return wire::Fault(wire::FaultClass::kUser, "NO_CHECKPOINT", place + " holds no checkpoint",
                     "give the folder or URI that has manifest.json in it, or that of a run");
}

checkpoint::Restored ReadFilledIn(store::ObjectStore& store, const checkpoint::Candidate& from) {
  checkpoint::Restored restored = checkpoint::Read(store, from);
  nlohmann::json& document = restored.manifest.document;
  document = FilledIn(document, from.prefix + checkpoint::kManifestName);
  return restored;
}

// A folder that a person named, as a URI.
std::string FolderUri(const std::string& place) {
  const std::string path = place.starts_with("file://") ? place.substr(7) : place;
  fs::path folder = fs::absolute(path).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  if (!fs::is_directory(folder)) throw NoCheckpoint(place);
  return "file://" + folder.string();
}

}  // namespace

checkpoint::Restored OpenCheckpoint(const std::string& place) {
  const bool folder = place.starts_with("file://") || place.find("://") == std::string::npos;
  const std::string uri = folder ? FolderUri(place) : place;
  const store::UriLast last = store::SplitLast(uri);
  if (!last.name.empty()) {
    const auto around = store::OpenStore(last.folder);
    if (around->Head(last.name + "/" + checkpoint::kManifestName)) {
      return ReadFilledIn(*around, {0, last.name + "/"});
    }
  }
  const auto store = store::OpenStore(uri);
  const auto found = checkpoint::ListCheckpoints(*store, "");
  if (found.empty()) throw NoCheckpoint(place);
  return ReadFilledIn(*store, found.front());
}

std::string RunOf(const std::string& place) {
  const store::UriParts parts = store::SplitUri(place);
  return parts.place.substr(0, parts.place.find("/checkpoints/step-")) + parts.settings;
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
