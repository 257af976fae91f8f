#include <algorithm>
#include <cstdio>

#include "models/weights/weights.h"
#include "worker/trainer/commands.h"
#include "worker/trainer/initial_state.h"
#include "worker/trainer/job_file.h"
#include "worker/trainer/numerics.h"
#include "worker/trainer/user_error.h"
#include "worker/wire/fault.h"

namespace ocellus::trainer {
namespace {

constexpr int64_t kImagesAtOnce = 64;

// "images" of the file, [N, 3, size, size].
torch::Tensor ReadImages(const std::string& path, int64_t size) {
  const models::Tensors given = models::weights::ReadFile(path);
  const auto found = given.find("images");
  const bool right = given.size() == 1 && found != given.end() && found->second.dim() == 4 &&
                     found->second.sizes().slice(1) == at::IntArrayRef({3, size, size}) &&
                     found->second.scalar_type() == torch::kFloat32;
  if (right) return found->second;
  throw wire::Fault(wire::FaultClass::kUser, "BAD_BATCH",
                    path + ": expected one tensor, images, F32 of shape [N, 3, " +
                        std::to_string(size) + ", " + std::to_string(size) + "]",
                    "write the images resized and normalised as the encoder's metadata says");
}

}  // namespace

int FeaturesCommand(const FeaturesOptions& options) {
  return WithErrorsTold([&] {
    ConfigureNumerics(1);
    nlohmann::json training = LoadReplaySpec(options.spec);
    training["precision"] = "fp32";
    const auto objective = models::MakeObjective(training, torch::kCPU);
    LoadStartingWeights(*objective, options.weights);
    const torch::Tensor images = ReadImages(options.images, objective->inputs().views.front().size);
    std::vector<torch::Tensor> features;
    for (int64_t first = 0; first < images.size(0); first += kImagesAtOnce) {
      const int64_t count = std::min(kImagesAtOnce, images.size(0) - first);
      features.push_back(objective->features(images.narrow(0, first, count)));
    }
    models::weights::WriteTensors({{"features", torch::cat(features)}}, {}, options.out);
    std::printf("%s: features of %lld images\n", options.out.c_str(),
                static_cast<long long>(images.size(0)));
    return 0;
  });
}

}  // namespace ocellus::trainer
