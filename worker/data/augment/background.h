// Taking away what a sample's mask leaves out.
#pragma once

#include <string>
#include <string_view>

#include "worker/data/pixels.h"

namespace ocellus::data {

// Whether `mask` (PNG, bright where the object is) is as large as the image. False with a one-line
// `problem`.
bool CheckMask(std::string_view mask, ImageSize image, std::string* problem);

// `out` becomes `pixels` with gray where the mask is under one half. A mask that shows less than 1
// % or more than 99 % of the image is no use: then *removed is false and `out` as it was. False
// with a one-line `problem` for a damaged mask. The mask has passed CheckMask.
bool RemoveBackground(std::string_view mask, const Pixels& pixels, Pixels* out, bool* removed,
                      std::string* problem);

}  // namespace ocellus::data
