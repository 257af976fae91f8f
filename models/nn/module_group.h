// A module that only names a level of the tree: the "attn" of "blocks.0.attn.qkv.weight".
#pragma once

#include <torch/torch.h>

namespace ocellus::models::nn {

class ModuleGroup final : public torch::nn::Module {};

}  // namespace ocellus::models::nn
