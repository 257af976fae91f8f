// PNG to pixels, as Pillow's convert('RGB') gives them: every depth and colour type, palettes
// looked up, 16 bits cut to their high byte (gray too, which Pillow clips), alpha dropped (not
// blended), gamma and colour profiles ignored.
#pragma once

#include <string>
#include <string_view>

#include "worker/data/pixels.h"

namespace ocellus::data {

// The header's size; false with a one-line `problem` when it is none.
bool ReadPngSize(std::string_view bytes, ImageSize* size, std::string* problem);

// The whole image. False with a one-line `problem` for bytes that are truncated or damaged.
bool DecodePng(std::string_view bytes, Pixels* out, std::string* problem);

}  // namespace ocellus::data
