// From shards or folders to batches of float tensors in host memory (or of what a device makes
// views of), in an order that is a function of (seed, epoch, n) alone: never of the number of
// ranks, threads or restarts.
//
// Global batch b holds the positions [b * G, (b + 1) * G) of the endless sequence of samples; rank
// r of W with micro-batches of m gets, in micro-batch a, positions b*G + a*(m*W) + r*m ... + m.
// Position p belongs to epoch p / E and is sample order(seed, epoch)[p % E], E = samples per epoch
// cut down to a whole number of global batches (drop_last). A sample that cannot be decoded is
// replaced by a deterministic other one, and counted.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "worker/data/dataset.h"
#include "worker/data/host_views.h"
#include "worker/data/host_words.h"
#include "worker/data/tokenizer.h"
#include "worker/data/view.h"

namespace ocellus::data {

struct NamedDraw {
  std::string name;
  int64_t count = 0;
};

// The caption as tokens (Tokenizer::Fill). A sample without a caption is a bad one then.
struct NamedText {
  std::string name;
  int64_t length = 0;
};

struct LoaderOptions {
  uint64_t seed = 0;
  int64_t global_batch = 0;
  int64_t accumulate = 1;  // micro-batches of a step; global_batch divides by accumulate * world
  int rank = 0;
  int world = 1;
  int threads = 2;                // decoding threads of this rank
  int prefetch = 4;               // micro-batches held ready at most
  int64_t max_bad_samples = 100;  // more than that many bad samples in the run is a Fault
  std::vector<ViewOptions> views;
  std::vector<NamedDraw> draws;
  std::vector<NamedText> texts;
  std::shared_ptr<const Tokenizer> tokenizer;  // not null when there are texts
};

struct HostTensor {
  std::vector<int64_t> shape;
  std::shared_ptr<float[]> values;
};

struct HostTokens {
  std::vector<int64_t> shape;
  std::shared_ptr<int64_t[]> values;
};

struct HostBatch {
  int64_t step = 0;                           // optimizer step that it belongs to
  int64_t micro = 0;                          // micro-batch of the step
  std::map<std::string, HostTensor> tensors;  // views and draws by name
  std::map<std::string, HostViews> undone;    // views that are left to the device
  std::map<std::string, HostTokens> tokens;   // texts by name
  std::vector<int64_t> positions;             // place in the endless sequence
  std::vector<int64_t> samples;               // index in the dataset (after replacement)
  std::vector<int64_t> labels;                // -1 where the sample has none
  std::vector<std::string> captions;
};

class Loader {
 public:
  virtual ~Loader() = default;
  // The next micro-batch, in order; waits until it is ready. Throws what a worker met: NO_DATA,
  // TOO_MANY_BAD_SAMPLES (class user) or a storage Fault.
  virtual HostBatch Next() = 0;
  // Seconds that Next has waited in all; bad samples so far.
  virtual double wait_seconds() const = 0;
  virtual int64_t bad_samples() const = 0;
};

// Starts the threads at optimizer step `first_step`: O(1), whatever its value. `on_warning` gets
// one line for each bad sample, with the file; called from the loader's threads. `dataset` is
// shared and must outlive the loader.
std::unique_ptr<Loader> MakeLoader(std::shared_ptr<const Dataset> dataset, LoaderOptions options,
                                   int64_t first_step, Allocate allocate,
                                   std::function<void(const std::string&)> on_warning);

}  // namespace ocellus::data
