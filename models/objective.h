// What a pretraining objective is.
//
// An objective is one module in models/objectives/: settings, the inputs that it wants from each
// sample, forward to a loss, and what happens after the optimizer's step. The train loop knows this
// interface alone. Inputs carry the names of the replay contract (docs/REPLAY.md), so that training
// and `replay` call the same forward.
//
// Not thread-safe; one instance a process, used by the loop's thread.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "models/collectives.h"

namespace ocellus::models {

// An image made from a sample: crop, resize, colours, flip, normalise, as data.augment says.
struct ViewWish {
  std::string name;  // name of the input tensor: [batch, 3, size, size], fp32, normalised
  int size = 224;    // pixels of a side
  // Which of data.augment.views' overrides hold for it ("second", "small"); empty: none of them.
  std::string kind;
  // A replay may bring images of another size, as a convolutional encoder takes them.
  bool any_size = false;
};

// The sample's caption as token ids: a start token, the text, an end token, padded with 0.
struct TextWish {
  std::string name;  // name of the input tensor: [batch, length], int64
  int64_t length = 77;
  int64_t vocabulary = 49408;  // ids are in [0, vocabulary)
};

// Numbers uniform in [0, 1) that belong to a sample: a function of (seed, epoch, n, name) alone.
struct DrawWish {
  std::string name;  // name of the input tensor: [batch, count], fp32
  int64_t count = 0;
};

// Indices that a replay may fix and training draws for itself.
struct ReplayWish {
  std::string name;  // name of the input tensor: [batch, count], int64; absent in training
  int64_t count = 0;
};

struct InputWishes {
  std::vector<ViewWish> views;
  std::vector<DrawWish> draws;
  std::vector<TextWish> texts;
  std::vector<ReplayWish> replay;
};

using Tensors = std::map<std::string, torch::Tensor>;

// Where in the run a step is.
struct StepContext {
  int64_t step = 0;  // optimizer steps done before this one
  int64_t total_steps = 1;
  Collectives* collectives = nullptr;  // never null in forward; not owned
  int64_t micro = 0;                   // micro-batch of the step: what is once a step is at 0
  uint64_t seed = 0;                   // the document's, for draws that belong to a step
  // Rate and average_momentum on the device (models/ops/step_numbers.h), for work that is to be
  // recorded; may be undefined.
  torch::Tensor numbers;
};

struct StepOutput {
  torch::Tensor loss;                     // scalar, fp32, mean over the local batch, with graph
  Tensors outputs;                        // the objective's own outputs, detached, by contract name
  std::map<std::string, double> metrics;  // cheap scalars for the log
};

class Objective {
 public:
  virtual ~Objective() = default;

  // What each sample must bring. Constant over the objective's life.
  virtual InputWishes inputs() const = 0;

  // Root of all parameters and buffers; their dotted names are the official ones. Frozen tensors
  // have requires_grad false.
  virtual torch::nn::Module& module() = 0;

  // Draws the initial values from `generator`'s state (CPU), as the method's paper code does.
  virtual void initialise(torch::Generator generator) = 0;

  // One forward pass over a micro-batch. `inputs` has exactly the wished names (of the replay
  // wishes those that were given). Under bf16 the implementation keeps its own fp32 islands
  // (normalisation, softmax, loss).
  virtual StepOutput forward(const Tensors& inputs, const StepContext& context) = 0;

  // What forward draws for a step rather than for a sample, for `rows` samples of this rank, on the
  // host. A forward that finds them among its inputs takes them, else it draws for itself: in both
  // cases the same. Default: nothing.
  virtual Tensors step_draws(const StepContext& context, int64_t rows) const { return {}; }

  // After the optimizer's step: EMA and clamps. Default: nothing.
  virtual void after_step(const StepContext& context) {}

  // [batch, features] fp32 features of whole, un-augmented images [batch, 3, size, size], in eval
  // mode without graph: what kNN and probes look at.
  virtual torch::Tensor features(const torch::Tensor& images) = 0;

  // Where captions are trained on, both sides in the space in which they are compared, each row of
  // length 1, fp32, in eval mode without graph: images [batch, 3, size, size] and captions' tokens
  // [batch, length] (as the text wish has them) to [batch, embedding]. text_features of an
  // objective without a text tower is undefined; image_embeddings then are its features.
  virtual torch::Tensor image_embeddings(const torch::Tensor& images) { return features(images); }
  virtual torch::Tensor text_features(const torch::Tensor& tokens) { return {}; }

  // The part that people take away, by names that timm loads, and its metadata (model, activation,
  // layer-norm epsilon, preprocessing).
  virtual Tensors encoder_weights() = 0;
  virtual std::map<std::string, std::string> encoder_metadata() = 0;

  // The loss of an encoder that knows nothing, to read the real one against; nothing where the
  // method has no such level. `global_batch`: samples of a micro-batch over all ranks.
  virtual std::optional<double> chance_loss(int64_t global_batch) const { return std::nullopt; }

  // Rows of pictures (original, masked, reconstructed ...) for a few inputs, each [3, H, W] in
  // [0, 1], or empty when the method has none to show.
  virtual std::vector<std::vector<torch::Tensor>> pictures(const Tensors& inputs) { return {}; }

  // Moving averages of trained parameters that follow each update, by the parameter's name: who
  // calls this moves them from now on, in the optimizer's own pass (optim::Optimizer::Follow), by
  // the momentum of the step, and after_step leaves them alone. Default: none.
  virtual Tensors hand_over_averages() { return {}; }
  // Of the step's moving average, whoever moves it; context.numbers has the same.
  virtual double average_momentum(const StepContext& context) const { return 1; }

  // Whether forward and after_step enqueue the same work whatever the step, where they are given
  // context.numbers and step_draws, and leave nothing behind but gradients and what is in
  // parameters and buffers: what may be recorded once and repeated. Default: no.
  virtual bool repeatable() const { return false; }
};

// Builds the objective that a resolved training document names ("objective" and "model"), with
// tensors on `device`, computing in the document's "precision". Throws wire::Fault (class user)
// that names the key.
std::unique_ptr<Objective> MakeObjective(const nlohmann::json& document, torch::Device device);

}  // namespace ocellus::models
