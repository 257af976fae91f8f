#include <cstdio>
#include <string>
#include <utility>

#include "models/weights/import.h"
#include "models/weights/weights.h"
#include "worker/trainer/checkpoint_place.h"
#include "worker/trainer/commands.h"
#include "worker/trainer/initial_state.h"
#include "worker/trainer/job_file.h"
#include "worker/trainer/user_error.h"
#include "worker/trainer/weights_export.h"

namespace ocellus::trainer {
namespace {

// With the curve and the evaluation of the run that the checkpoint lies in, if it lies in one.
CardFacts Facts(const checkpoint::Restored& restored, const std::string& place) {
  CardFacts facts = FactsOf(restored.manifest);
  const bool of_run = restored.from.prefix.starts_with("checkpoints/") ||
                      place.find("/checkpoints/step-") != std::string::npos;
  if (of_run) AddArtifacts(*store::OpenStore(RunOf(place)), "", &facts);
  return facts;
}

}  // namespace

int ExportCommand(const ExportOptions& options) {
  return WithErrorsTold([&] {
    const checkpoint::Restored restored = OpenCheckpoint(options.checkpoint);
    const auto objective = ObjectiveOf(restored, restored.manifest.document, torch::kCPU);
    if (options.out.find("://") != std::string::npos) {
      PutExport(*objective, options.full, Facts(restored, options.checkpoint), options.out);
    } else if (options.full) {
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
  namespace weights = models::weights;
  return WithErrorsTold([&] {
    const auto objective = MakeRandomObjective(LoadReplaySpec(options.spec), torch::kCPU);
    const models::Tensors given = weights::ReadFile(options.weights);
    const bool encoder = options.encoder_only || weights::IsEncoderAlone(*objective, given);
    const weights::ImportReport report = weights::Import(
        *objective, given, encoder ? weights::ImportPart::kEncoder : weights::ImportPart::kAll,
        options.weights);
    weights::ExportFull(*objective, options.out);
    std::printf("%s%s: start a job from it with init: {weights: %s}\n", report.Text().c_str(),
                options.out.c_str(), options.out.c_str());
    return 0;
  });
}

}  // namespace ocellus::trainer
