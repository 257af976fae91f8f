#include "worker/data/image_decoder.h"

#include "worker/data/png_decoder.h"

namespace ocellus::data {
namespace {

constexpr std::string_view kJpegMagic = "\xFF\xD8\xFF";
constexpr std::string_view kPngMagic = "\x89PNG\r\n\x1A\n";

}  // namespace

bool ImageDecoder::Open(std::string_view bytes, int64_t max_pixels, ImageSize* size,
                        std::string* problem) {
  bytes_ = bytes;
  if (bytes.empty()) {
    *problem = "empty file (0 bytes)";
    return false;
  }
  if (bytes.starts_with(kJpegMagic)) {
    format_ = Format::kJpeg;
    if (!jpeg_.Open(bytes, size, problem)) return false;
  } else if (bytes.starts_with(kPngMagic)) {
    format_ = Format::kPng;
    if (!ReadPngSize(bytes, size, problem)) return false;
  } else {
    *problem = "neither JPEG nor PNG";
    return false;
  }
  const int64_t pixels = int64_t{size->width} * size->height;
  if (pixels <= max_pixels) return true;
  *problem = std::to_string(size->width) + " x " + std::to_string(size->height) + " = " +
             std::to_string(pixels) + " pixels, over the limit of " + std::to_string(max_pixels) +
             " (data.max_pixels)";
  return false;
}

bool ImageDecoder::Decode(const Rect& area, Pixels* out, std::string* problem) {
  if (format_ == Format::kPng) return DecodePng(bytes_, out, problem);
  return jpeg_.Decode(area, out, problem);
}

}  // namespace ocellus::data
