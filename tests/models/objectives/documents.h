// Small documents of each method, and random inputs for what their objectives want.
#pragma once

#include <torch/torch.h>

#include <nlohmann/json.hpp>
#include <string>

#include "models/objective.h"

namespace ocellus::models::objectives {

inline nlohmann::json VitModel(int64_t size, int64_t patch, int64_t dim, int64_t depth,
                               int64_t heads) {
  return {{"vit",
           {{"image_size", size},
            {"patch_size", patch},
            {"dim", dim},
            {"depth", depth},
            {"heads", heads},
            {"mlp_ratio", 4}}}};
}

inline nlohmann::json DocumentOf(const nlohmann::json& objective, const nlohmann::json& model,
                                 const std::string& precision) {
  return {{"objective", objective}, {"model", model}, {"precision", precision}};
}

inline nlohmann::json MaeObjective(int64_t dim, int64_t depth, int64_t heads) {
  return {{"mae",
           {{"mask_ratio", 0.75},
            {"norm_pix_loss", true},
            {"decoder", {{"dim", dim}, {"depth", depth}, {"heads", heads}}}}}};
}

inline nlohmann::json ClipObjective(int64_t embed, int64_t width, int64_t heads, int64_t layers,
                                    int64_t words, int64_t length) {
  return {{"clip",
           {{"loss", "infonce"},
            {"chunk", 0},
            {"embed_dim", embed},
            {"logit_scale_max", 100},
            {"logit_bias_init", -10},
            {"quick_gelu", false},
            {"text",
             {{"width", width},
              {"heads", heads},
              {"layers", layers},
              {"vocab_size", words},
              {"context_length", length}}}}}};
}

inline nlohmann::json MocoObjective() {
  return {{"mocov3",
           {{"temperature", 0.2},
            {"momentum", 0.9},
            {"momentum_schedule", "constant"},
            {"proj_dim", 16},
            {"mlp_dim", 32}}}};
}

inline Tensors InputsOf(Objective& objective, int64_t batch) {
  torch::manual_seed(7);
  Tensors inputs;
  for (const ViewWish& view : objective.inputs().views) {
    inputs[view.name] = torch::randn({batch, 3, view.size, view.size});
  }
  for (const DrawWish& draw : objective.inputs().draws) {
    inputs[draw.name] = torch::rand({batch, draw.count});
  }
  for (const TextWish& text : objective.inputs().texts) {
    inputs[text.name] = torch::randint(1, text.vocabulary - 2, {batch, text.length}, torch::kInt64);
    inputs[text.name].select(1, text.length - 1).fill_(text.vocabulary - 1);
  }
  return inputs;
}

}  // namespace ocellus::models::objectives
