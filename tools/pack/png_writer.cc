#include "tools/pack/png_writer.h"

#include <png.h>

#include "worker/wire/fault.h"

namespace ocellus::pack {

std::string EncodeGrayPng(const uint8_t* gray, int width, int height) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(width);
  image.height = static_cast<png_uint_32>(height);
  image.format = PNG_FORMAT_GRAY;
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
  std::string out(bytes, '\0');
  if (png_image_write_to_memory(&image, out.data(), &bytes, 0, gray, 0, nullptr) == 0) {
    throw wire::Fault(wire::FaultClass::kUnknown, "INTERNAL",
                      std::string("a mask cannot be written: ") + image.message);
  }
  out.resize(bytes);
  return out;
}

}  // namespace ocellus::pack
