// Ocellus's side of tools/bench/gpu: whole steps of a recipe on synthetic inputs, and the rate at
// which fused operators go through memory.
//
//   ocellus-bench-gpu step RECIPE BATCH DEVICE WARMUP STEPS [KEY=VALUE ...]
//   ocellus-bench-gpu kernels DEVICE SIZE
//
// DEVICE is cpu or cuda. `step` prints one JSON line: images (pairs, samples) a second, GFLOP a
// sample as docs/PERFORMANCE.md counts them, and the loss after the last step. `kernels` prints a
// JSON line for each, with SIZE times the numbers of its smallest case.
#include <torch/torch.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "models/ops/flops.h"
#include "models/ops/memory.h"
#include "models/schema/schema.h"
#include "tools/bench/gpu_kernels.h"
#include "worker/trainer/step.h"

namespace ocellus::bench {
namespace {

using nlohmann::json;

json Recipe(const std::string& path, const std::vector<std::string>& overrides) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  schema::Document document;
  std::vector<schema::Problem> problems;
  if (!schema::Load(text.str(), path, &document, &problems, overrides)) {
    throw std::invalid_argument(problems.at(0).ToString());
  }
  return document.training;
}

models::Tensors Inputs(models::Objective& objective, int64_t batch, torch::Device device) {
  models::Tensors inputs;
  for (const auto& view : objective.inputs().views) {
    inputs[view.name] = torch::randn({batch, 3, view.size, view.size}).to(device);
  }
  for (const auto& draw : objective.inputs().draws) {
    inputs[draw.name] = torch::rand({batch, draw.count}).to(device);
  }
  for (const auto& text : objective.inputs().texts) {
    torch::Tensor tokens = torch::randint(1, text.vocabulary - 1, {batch, text.length});
    tokens.select(1, text.length - 1).fill_(text.vocabulary - 1);
    inputs[text.name] = tokens.to(torch::kInt64).to(device);
  }
  return inputs;
}

class Bench {
 public:
  Bench(const json& recipe, int64_t batch, torch::Device device)
      : device_(device),
        ranks_({}, device),
        objective_(models::MakeObjective(recipe, device)),
        inputs_(Inputs(*objective_, batch, device)) {
    objective_->initialise(at::make_generator<at::CPUGeneratorImpl>(7));
    optimizer_ = models::optim::MakeOptimizer(recipe.at("optimizer"), objective_->module());
    const models::optim::Schedule schedule{models::optim::Schedule::Kind::kConstant, 1e-4};
    step_ = std::make_unique<trainer::Step>(*objective_, *optimizer_, schedule, ranks_, 1, 0);
    step_->RunAhead([](const std::string& line) { std::cerr << line << "\n"; });
  }

  void Steps(int64_t count) {
    for (int64_t i = 0; i < count; ++i, ++done_) {
      const models::StepContext context{
          .step = done_, .total_steps = 1000, .collectives = &ranks_, .seed = 7};
      const auto [computed, before] = step_->Advance(context, [this] { return inputs_; }, {});
      if (before) loss_ = before->loss;
    }
    if (const auto verdict = step_->Settle()) loss_ = verdict->loss;
    Wait(device_);
  }

  double loss() const { return loss_; }

 private:
  torch::Device device_;
  dist::Communicator ranks_;
  std::unique_ptr<models::Objective> objective_;
  std::unique_ptr<models::optim::Optimizer> optimizer_;
  std::unique_ptr<trainer::Step> step_;
  models::Tensors inputs_;
  int64_t done_ = 0;
  double loss_ = 0;
};

int Step(const std::vector<std::string>& arguments) {
  if (arguments.size() < 5) throw std::invalid_argument("step RECIPE BATCH DEVICE WARMUP STEPS");
  const int64_t batch = std::stoll(arguments[1]), steps = std::stoll(arguments[4]);
  const torch::Device device(arguments[2]);
  trainer::LeaveDefaultStream(device);
  Bench bench(Recipe(arguments[0], {arguments.begin() + 5, arguments.end()}), batch, device);
  bench.Steps(std::stoll(arguments[3]));
  const double flops = models::ops::CountedFlops();
  const double start = Seconds();
  bench.Steps(steps);
  const double seconds = Seconds() - start;
  const auto samples = static_cast<double>(steps * batch);
  std::cout << json{{"samples_per_s", samples / seconds},
                    {"gflop_per_sample", (models::ops::CountedFlops() - flops) / samples / 1e9},
                    {"ms_per_step", 1e3 * seconds / static_cast<double>(steps)},
                    {"loss", bench.loss()}}
            << std::endl;
  return 0;
}

int Run(const std::vector<std::string>& arguments) {
  models::ops::KeepFreedMemory();
  torch::manual_seed(7);
  const std::string mode = arguments.empty() ? "" : arguments[0];
  if (mode == "step") return Step({arguments.begin() + 1, arguments.end()});
  if (mode != "kernels" || arguments.size() != 3) {
    throw std::invalid_argument("usage: ocellus-bench-gpu step ... | kernels DEVICE SIZE");
  }
  ReportKernels(torch::Device(arguments[1]), std::stoll(arguments[2]));
  return 0;
}

}  // namespace
}  // namespace ocellus::bench

int main(int argc, char** argv) try {
  return ocellus::bench::Run({argv + 1, argv + argc});
} catch (const std::exception& error) {
  std::cerr << "ocellus-bench-gpu: " << error.what() << "\n";
  return 2;
}
