#include "tests/models/objectives/mae_cases.h"

#include <ATen/CPUGeneratorImpl.h>

namespace ocellus::models::objectives {

nlohmann::json SmallDocument(const std::string& precision) {
  return {{"objective",
           {{"mae",
             {{"mask_ratio", 0.75},
              {"norm_pix_loss", true},
              {"decoder", {{"dim", 32}, {"depth", 1}, {"heads", 4}}}}}}},
          {"model",
           {{"vit",
             {{"image_size", 32},
              {"patch_size", 8},
              {"dim", 64},
              {"depth", 2},
              {"heads", 4},
              {"mlp_ratio", 4}}}}},
          {"precision", precision}};
}

std::unique_ptr<Objective> Initialised(const nlohmann::json& document, uint64_t seed) {
  std::unique_ptr<Objective> objective = MakeObjective(document, torch::kCPU);
  objective->initialise(at::make_generator<at::CPUGeneratorImpl>(seed));
  return objective;
}

Tensors Inputs(const nlohmann::json& document, int64_t batch) {
  torch::manual_seed(11);
  const int64_t size = document["model"]["vit"]["image_size"];
  const int64_t grid = size / document["model"]["vit"]["patch_size"].get<int64_t>();
  const torch::Tensor coarse = torch::randn({batch, 3, 4, 4});
  const torch::Tensor smooth = torch::upsample_bicubic2d(coarse, {size, size}, false);
  return {{"images", smooth + 0.1 * torch::randn({batch, 3, size, size})},
          {"noise", torch::rand({batch, grid * grid})}};
}

}  // namespace ocellus::models::objectives
