// Fixed two-dimensional sine-cosine position embeddings.
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace ocellus::models::nn {

// Which coordinate the first half of the channels holds. The methods differ: MAE's
// util/pos_embed.py has the column there, MoCo v3's vits.py the row.
enum class TableOrder { kColumnFirst, kRowFirst };

// Row 0 (the class token) is 0; row 1 + r * grid + c is [sin(a w), cos(a w), sin(b w), cos(b w)]
// with w_j = 10000^(-j / (width / 4)), a the first coordinate and b the other. Computed in fp64.
// Returns [1, 1 + grid * grid, width] fp32. REQUIRES: 4 divides width.
torch::Tensor SinCosTable(int64_t width, int64_t grid, TableOrder order);

}  // namespace ocellus::models::nn
