// Ocellus's side of tools/bench/train: optimizer steps on request, on one precomputed batch.
//
//   ocellus-bench-train SPEC STATE BATCH
//
// SPEC is a training document (JSON file). Draws weights, images and noise from a fixed seed,
// writes them to STATE (safetensors; images and noise as "batch.images", "batch.noise"), and prints
// "ready". Then each line "N" on stdin is answered by N steps and one line on stdout:
// {"cpu": CPU seconds, "first": loss of the first of them, "last": loss of the last}.
#include <sys/resource.h>
#include <torch/torch.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "models/objective.h"
#include "models/ops/memory.h"
#include "models/optim/optimizer.h"
#include "models/weights/weights.h"

namespace ocellus {
namespace {

constexpr uint64_t kSeed = 7;
constexpr double kRate = 1e-4;

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

class Trainer {
 public:
  Trainer(const nlohmann::json& document, int64_t batch)
      : objective_(models::MakeObjective(document, torch::kCPU)) {
    torch::Generator generator = at::make_generator<at::CPUGeneratorImpl>(kSeed);
    objective_->initialise(generator);
    for (const auto& view : objective_->inputs().views) {
      inputs_[view.name] = torch::randn({batch, 3, view.size, view.size}, generator);
    }
    for (const auto& draw : objective_->inputs().draws) {
      inputs_[draw.name] = torch::rand({batch, draw.count}, generator);
    }
    optimizer_ = models::optim::MakeOptimizer(document.at("optimizer"), objective_->module());
    context_.collectives = &collectives_;
  }

  void Write(const std::string& path) {
    models::Tensors tensors = models::weights::State(*objective_);
    for (const auto& [name, tensor] : inputs_) tensors["batch." + name] = tensor;
    models::weights::WriteTensors(tensors, {}, path);
  }

  // One forward, backward and update.
  torch::Tensor Step() {
    const torch::Tensor loss = objective_->forward(inputs_, context_).loss;
    loss.backward();
    optimizer_->Step(kRate);
    objective_->module().zero_grad();
    objective_->after_step(context_);
    return loss.detach();
  }

 private:
  std::unique_ptr<models::Objective> objective_;
  std::unique_ptr<models::optim::Optimizer> optimizer_;
  models::Tensors inputs_;
  models::SingleRank collectives_;
  models::StepContext context_;
};

void Serve(Trainer& trainer) {
  int64_t steps = 0;
  while (std::cin >> steps) {
    const double before = CpuSeconds();
    torch::Tensor first, last;
    for (int64_t i = 0; i < steps; ++i) {
      last = trainer.Step();
      if (i == 0) first = last;
    }
    const nlohmann::json answer = {{"cpu", CpuSeconds() - before},
                                   {"first", first.item<double>()},
                                   {"last", last.item<double>()}};
    std::cout << answer << std::endl;
  }
}

}  // namespace
}  // namespace ocellus

int main(int argc, char** argv) try {
  if (argc != 4) throw std::invalid_argument("usage: ocellus-bench-train SPEC STATE BATCH");
  ocellus::models::ops::KeepFreedMemory();
  torch::set_num_threads(1);
  ocellus::Trainer trainer(nlohmann::json::parse(std::ifstream(argv[1])), std::stoll(argv[3]));
  trainer.Write(argv[2]);
  std::cout << "ready" << std::endl;
  ocellus::Serve(trainer);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "ocellus-bench-train: " << error.what() << "\n";
  return 1;
}
