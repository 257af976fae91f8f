// ocellus-trainer: trains, replays, and converts weights. No service is needed to run it by hand.
#include <CLI/CLI.hpp>

#include "models/ops/memory.h"
#include "worker/trainer/commands.h"

namespace ocellus::trainer {
namespace {

CLI::App* AddEval(CLI::App* app, EvalOptions* options) {
  auto* command = app->add_subcommand("eval", "What a checkpoint's encoder has learned");
  command->add_option("--checkpoint", options->checkpoint, "Its folder or URI, or a run's")
      ->required();
  command->add_option("--data", options->data, "Samples to learn from, else the job's");
  command->add_option("--val", options->val, "Samples to ask for, else held back ones");
  command->add_option("--train-samples", options->train_samples, "How many to learn from")
      ->check(CLI::PositiveNumber);
  command->add_option("--val-samples", options->val_samples, "How many to ask for")
      ->check(CLI::PositiveNumber);
  command->add_option("--device", options->device, "cpu or cuda");
  command->add_option("--threads", options->threads, "Threads of computation")
      ->check(CLI::Range(1, 1024));
  command->add_flag("--json", options->json, "JSON on stdout instead of a table");
  command->add_option("--out", options->out, "File that gets the JSON");
  return command;
}

int Main(int argc, char** argv) {
  models::ops::KeepFreedMemory();
  CLI::App app{"Pretrains vision models; ocellus-worker starts it, and so can you."};
  app.set_version_flag("--version", OCELLUS_VERSION);
  app.require_subcommand(1);

  auto* rank = app.add_subcommand("rank", "A rank of a job, started by ocellus-worker");

  RunOptions run_options;
  auto* run = app.add_subcommand("run", "Train without any service");
  run->add_option("--spec", run_options.spec, "The job, YAML or JSON")->required();
  run->add_option("--out", run_options.out, "Folder for checkpoints and artifacts")->required();
  run->add_flag("--resume", run_options.resume, "Go on from the newest checkpoint in --out");
  run->add_flag("--profile{profile.json}", run_options.profile,
                "Tell where the time of some steps goes; Chrome trace into =FILE, in --out");
  run->add_option("--profile-steps", run_options.profile_steps, "How many, after the first two")
      ->check(CLI::Range(int64_t{1}, int64_t{10'000}));
  run->add_option("--ranks", run_options.ranks, "Ranks to start on this machine")
      ->check(CLI::Range(1, 1024));

  ReplayOptions replay_options;
  auto* replay = app.add_subcommand("replay", "The training step on given weights and inputs");
  replay->add_option("--spec", replay_options.spec, "Training document")->required();
  replay->add_option("--weights", replay_options.weights, "Official-name weights")->required();
  replay->add_option("--batch", replay_options.batch, "Inputs of a step")->required();
  replay->add_option("--out", replay_options.out, "File to write")->required();
  replay->add_option("--steps", replay_options.steps, "Optimizer steps")
      ->check(CLI::Range(int64_t{1}, int64_t{1'000'000}));
  replay->add_option("--device", replay_options.device, "cpu or cuda");
  replay->add_option("--ranks", replay_options.ranks, "Local ranks to split the batch over")
      ->check(CLI::Range(1, 1024));

  ExportOptions export_options;
  auto* exporting = app.add_subcommand("export", "Weights of a checkpoint as safetensors");
  exporting->add_option("--checkpoint", export_options.checkpoint, "Its folder or URI, or a run's")
      ->required();
  exporting->add_option("--out", export_options.out, "File or URI to write")->required();
  exporting->add_flag("--full", export_options.full, "Everything, not the encoder alone");

  ImportOptions import_options;
  auto* importing = app.add_subcommand("import", "Checks weights against a job, for init.weights");
  importing->add_option("--weights", import_options.weights, "Official-name weights")->required();
  importing->add_option("--spec", import_options.spec, "The job that they must fit")->required();
  importing->add_option("--out", import_options.out, "File to write")->required();
  importing->add_flag("--encoder-only", import_options.encoder_only,
                      "Take the encoder; the rest keeps its initial values");

  FeaturesOptions features_options;
  auto* features = app.add_subcommand("features", "What an encoder makes of given images");
  features->add_option("--spec", features_options.spec, "The job")->required();
  features->add_option("--weights", features_options.weights, "Official-name weights")->required();
  features->add_option("--images", features_options.images, "Normalised images")->required();
  features->add_option("--out", features_options.out, "File to write")->required();

  EvalOptions eval_options;
  auto* evaluating = AddEval(&app, &eval_options);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (*rank) return RankCommand();
  if (*run) return RunCommand(run_options);
  if (*replay) return ReplayCommand(replay_options);
  if (*exporting) return ExportCommand(export_options);
  if (*evaluating) return EvalCommand(eval_options);
  if (*features) return FeaturesCommand(features_options);
  return ImportCommand(import_options);
}

}  // namespace
}  // namespace ocellus::trainer

int main(int argc, char** argv) { return ocellus::trainer::Main(argc, argv); }
