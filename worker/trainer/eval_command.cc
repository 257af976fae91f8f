#include <cstdio>
#include <fstream>

#include "models/schema/schema.h"
#include "worker/trainer/checkpoint_place.h"
#include "worker/trainer/collapse_alarm.h"
#include "worker/trainer/commands.h"
#include "worker/trainer/evaluation.h"
#include "worker/trainer/initial_state.h"
#include "worker/trainer/inputs.h"
#include "worker/trainer/numerics.h"
#include "worker/trainer/user_error.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

// The checkpoint's document with what the command says instead. A document of an older release
// gets the defaults of what it does not know.
nlohmann::json Document(const nlohmann::json& of_checkpoint, const EvalOptions& options) {
  nlohmann::json wanted = of_checkpoint, training;
  if (!options.data.empty()) wanted["data"]["train"] = options.data;
  if (!options.val.empty() || !options.data.empty()) wanted["data"]["val"] = options.val;
  nlohmann::json& knn = wanted["eval"]["knn"];
  if (options.train_samples > 0) knn["train_samples"] = options.train_samples;
  if (options.val_samples > 0) knn["val_samples"] = options.val_samples;
  std::vector<schema::Problem> problems;
  if (!schema::ResolveTraining(wanted, schema::Use::kJob, &training, &problems)) {
    std::string text;
    for (const auto& problem : problems) text += (text.empty() ? "" : "; ") + problem.ToString();
    throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", text);
  }
  return training;
}

torch::Device DeviceNamed(const std::string& name) {
  if (name == "cpu") return torch::kCPU;
  if (name == "cuda" && torch::cuda::is_available()) return torch::kCUDA;
  throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC",
                    "--device " + name + (name == "cuda" ? ": there is no GPU" : " is not known"),
                    "give cpu or cuda");
}

nlohmann::ordered_json Evaluate(const EvalOptions& options) {
  const torch::Device device = DeviceNamed(options.device);
  const checkpoint::Restored restored = OpenCheckpoint(options.checkpoint);
  const nlohmann::json training = Document(restored.manifest.document, options);
  const auto training_set = OpenTrainingSet(training.at("data"));
  const auto validation_set = OpenValidationSet(training.at("data"));
  dist::Communicator alone({}, device);
  Evaluation evaluation(training, training_set, validation_set, &alone, device);

  const auto objective = ObjectiveOf(restored, training, device);
  const Findings trained = evaluation.Look(*objective);
  nlohmann::ordered_json found = {{"job", restored.manifest.job},
                                  {"step", restored.manifest.step},
                                  {"labelled", training_set->classes() > 0},
                                  {"trained", ToJson(trained)}};
  if (trained.health) {
    const auto collapse = CollapseOf(*trained.health, ReadSettings(training).eval.collapse);
    found["collapse"] = collapse ? nlohmann::ordered_json(*collapse) : nlohmann::ordered_json();
  }
  found["random"] = ToJson(evaluation.Look(*MakeRandomObjective(training, device)));
  found["pixels"] = ToJson(evaluation.RawPixels(*objective));
  return found;
}

void Tell(const nlohmann::ordered_json& found) {
  std::printf("step %lld of %s\n%s", static_cast<long long>(found["step"].get<int64_t>()),
              found["job"].get<std::string>().c_str(), FindingsTable(found).c_str());
  if (found["trained"].empty()) {
    std::printf(
        "nothing to measure: eval.knn takes no samples; give --train-samples 2000 "
        "--val-samples 500\n");
  } else if (found["labelled"] == false) {
    std::printf("no labels in the data: kNN and linear probe are left out\n");
  }
  if (found.contains("collapse") && found["collapse"].is_string()) {
    std::printf("collapse: %s\n", found["collapse"].get<std::string>().c_str());
  }
}

}  // namespace

int EvalCommand(const EvalOptions& options) {
  return WithErrorsTold([&] {
    ConfigureNumerics(options.threads);
    const nlohmann::ordered_json found = Evaluate(options);
    const std::string text = found.dump(2) + "\n";
    if (!options.out.empty() && !(std::ofstream(options.out) << text << std::flush)) {
      throw wire::Fault(wire::FaultClass::kUser, "BAD_SPEC", options.out + " cannot be written",
                        "give --out a file in a folder that is there");
    }
    if (options.json) {
      std::fputs(text.c_str(), stdout);
    } else {
      Tell(found);
    }
    return 0;
  });
}

}  // namespace ocellus::trainer
