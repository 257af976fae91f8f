// The trainer's commands, one file each. They return the exit code: 0, 2 for a user's error (told
// in one line on stderr), 1 otherwise.
#pragma once

#include <cstdint>
#include <string>

namespace ocellus::trainer {

// What an agent starts: document and commands on stdin, events on fd 3 (FORMAT.md).
int RankCommand();

struct RunOptions {
  std::string spec;  // a job's file, YAML or JSON
  std::string out;   // a folder: checkpoints/ and artifacts/ come to lie in it
  bool resume = false;
  std::string profile;  // file for a trace of some of the first steps; empty: none
  int64_t profile_steps = 10;
  int ranks = 0;  // started here on this machine; 0: one, or what torchrun's variables say
};

// Trains by hand, without any service. RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT
// are torchrun's.
int RunCommand(const RunOptions& options);

struct ReplayOptions {
  std::string spec, weights, batch, out;
  int64_t steps = 1;
  std::string device = "cpu";
  int ranks = 1;
};

// The training step on given weights and inputs (docs/REPLAY.md).
int ReplayCommand(const ReplayOptions& options);

struct ExportOptions {
  std::string checkpoint;  // a folder or URI of a checkpoint, or of a run (its newest)
  std::string out;         // a file; or a URI, which gets the model card beside it
  bool full = false;       // everything under official names; else the encoder under timm's
};

int ExportCommand(const ExportOptions& options);

struct ImportOptions {
  std::string weights;  // official, open_clip's, timm's or torchvision's names
  std::string spec;     // whose objective and model they must fit
  std::string out;
  bool encoder_only = false;  // the rest stays at the spec's initial values
};

int ImportCommand(const ImportOptions& options);

struct EvalOptions {
  std::string checkpoint;     // as for ExportOptions
  std::string data;           // instead of its data.train, with `val` instead of its data.val
  std::string val;            // queries; empty: the document's, or held back from `data`
  int64_t train_samples = 0;  // instead of eval.knn's; 0: as it says
  int64_t val_samples = 0;
  std::string device = "cpu";
  int threads = 1;
  bool json = false;  // to stdout, instead of a table
  std::string out;    // gets the JSON too; may be empty
};

// What a checkpoint's encoder knows: kNN, linear probe, health of features and what else applies,
// beside the same for random weights and raw pixels. Findings are those of the job's own end.
int EvalCommand(const EvalOptions& options);

struct FeaturesOptions {
  std::string spec;     // objective and model
  std::string weights;  // official names: the full set, or the encoder alone
  std::string images;   // safetensors with "images" [N, 3, size, size], normalised
  std::string out;      // gets "features" [N, features], fp32
};

// What the encoder makes of whole images: the same numbers that kNN sees.
int FeaturesCommand(const FeaturesOptions& options);

}  // namespace ocellus::trainer
