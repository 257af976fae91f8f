// Pictures side by side, as a PNG.
#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <string>
#include <vector>

namespace ocellus::trainer {

// A row of pictures with a word on its left ("masked"); letters a to z, digits and spaces.
struct PictureRow {
  std::string label;
  std::vector<torch::Tensor> pictures;  // each [3, H, W] in [0, 1], CPU, all of the same size
};

// The bytes of an 8-bit RGB PNG: rows from top to bottom, small pictures enlarged by a whole factor
// so that a person sees them. REQUIRES: at least one row, and one picture in it.
std::vector<std::byte> PictureGrid(const std::vector<PictureRow>& rows);

}  // namespace ocellus::trainer
