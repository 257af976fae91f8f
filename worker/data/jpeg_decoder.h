// JPEG to pixels, as Pillow decodes: accurate DCT, fancy upsampling, EXIF orientation ignored. Gray
// becomes RGB; CMYK and YCCK too, read as Adobe's inverted values and converted as Pillow's
// convert('RGB') does. Baseline, progressive and arithmetic coding with 8 bits.
//
// A part of an image equals that part of the whole image byte for byte: the decoder is asked for a
// few columns more on each side, because fancy upsampling looks at neighbours.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "worker/data/pixels.h"

namespace ocellus::data {

// Keeps libjpeg's state from image to image; one a thread. Functions return false with a one-line
// `problem` for bytes that are no sound JPEG: no header, truncated, damaged entropy-coded data.
// Damage beyond the rows asked for is seen only when the file lacks its end marker.
class JpegDecoder {
 public:
  JpegDecoder();
  ~JpegDecoder();

  // Reads the header. `bytes` must stay until Decode.
  bool Open(std::string_view bytes, ImageSize* size, std::string* problem);
  // Once after each Open. `area` must lie in the image; out->area is `area` or larger.
  bool Decode(const Rect& area, Pixels* out, std::string* problem);

 private:
  struct State;
  void ReadRows(const Rect& area, Pixels* out);

  std::unique_ptr<State> state_;
};

}  // namespace ocellus::data
