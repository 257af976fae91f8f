// RGB pixels to JPEG bytes.
#pragma once

#include <cstdint>
#include <string>

namespace ocellus::pack {

struct JpegStyle {
  int quality = 90;       // 1 .. 100
  int chroma_across = 2;  // 2x2 is 4:2:0, 2x1 is 4:2:2, 1x1 is 4:4:4
  int chroma_down = 2;
  bool progressive = false;
};

// `rgb` is [height][width][3]. The same input gives the same bytes. Throws wire::Fault (unknown,
// INTERNAL) when the encoder refuses.
std::string EncodeJpeg(const uint8_t* rgb, int width, int height, const JpegStyle& style);

}  // namespace ocellus::pack
