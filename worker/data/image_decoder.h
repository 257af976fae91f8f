// An encoded image of any kind that we read.
#pragma once

#include <string>
#include <string_view>

#include "worker/data/jpeg_decoder.h"
#include "worker/data/pixels.h"

namespace ocellus::data {

// One a thread. Functions return false with a one-line `problem`, which the caller puts behind the
// file's name.
class ImageDecoder {
 public:
  // Tells the format by the first bytes, reads the header, and refuses more than `max_pixels`
  // before anything is decoded. `bytes` must stay until Decode.
  bool Open(std::string_view bytes, int64_t max_pixels, ImageSize* size, std::string* problem);

  // Once after each Open. `area` must lie in the image; out->area contains it.
  bool Decode(const Rect& area, Pixels* out, std::string* problem);

 private:
  enum class Format { kJpeg, kPng };

  JpegDecoder jpeg_;
  Format format_ = Format::kJpeg;
  std::string_view bytes_;
};

}  // namespace ocellus::data
