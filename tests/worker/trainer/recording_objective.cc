#include "tests/worker/trainer/recording_objective.h"

#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "models/objective.h"
#include "models/registry.h"

namespace ocellus::trainer {
namespace {

std::string& Path() {
  static std::string path;
  return path;
}

uint64_t HashOf(const torch::Tensor& values) {
  const torch::Tensor plain = values.contiguous();
  const auto* bytes = static_cast<const uint8_t*>(plain.data_ptr());
  uint64_t hash = 1469598103934665603u;
  for (size_t i = 0; i < plain.nbytes(); ++i) hash = (hash ^ bytes[i]) * 1099511628211u;
  return hash;
}

class Recording final : public models::Objective {
 public:
  Recording() { weight_ = module_.register_parameter("weight", torch::ones({2})); }
  models::InputWishes inputs() const override { return {{{"images", 16}}, {{"noise", 16}}}; }
  torch::nn::Module& module() override { return module_; }
  void initialise(torch::Generator) override {}
  models::StepOutput forward(const models::Tensors& inputs,
                             const models::StepContext& context) override {
    std::ofstream file(Path(), std::ios::app);
    const auto &images = inputs.at("images"), &noise = inputs.at("noise");
    for (int64_t i = 0; i < images.size(0); ++i) {
      file << context.step << " " << HashOf(images[i]) << " " << HashOf(noise[i]) << "\n";
    }
    return {.loss = (weight_ * images.mean()).square().sum()};
  }
  torch::Tensor features(const torch::Tensor& images) override {
    return images.flatten(1).slice(1, 0, 4).clone();
  }
  models::Tensors encoder_weights() override { return {{"weight", weight_.detach()}}; }
  std::map<std::string, std::string> encoder_metadata() override { return {}; }

 private:
  torch::nn::Module module_;
  torch::Tensor weight_;
};

const models::RegisterObjective kRegistered("recording", [](const nlohmann::json&, torch::Device) {
  return std::make_unique<Recording>();
});

}  // namespace

void RecordTo(const std::string& path) { Path() = path; }

std::map<int64_t, std::vector<Seen>> ReadRecord(const std::string& path) {
  std::map<int64_t, std::vector<Seen>> steps;
  std::ifstream file(path);
  int64_t step = 0;
  Seen seen;
  while (file >> step >> seen.image >> seen.draw) steps[step].push_back(seen);
  return steps;
}

}  // namespace ocellus::trainer
