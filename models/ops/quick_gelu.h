// OpenAI's cheaper GELU, which the CLIP weights that they published were trained with.
#pragma once

#include <torch/torch.h>

namespace ocellus::models::ops {

// z sigmoid(1.702 z), computed in fp32 whatever z's type (fp32 or bf16), which the result has too.
// Not the exact GELU: weights trained with one lose several points under the other.
torch::Tensor QuickGelu(const torch::Tensor& z);

}  // namespace ocellus::models::ops
