#include "worker/data/png_decoder.h"

#include <png.h>

#include <csetjmp>
#include <cstring>
#include <vector>

namespace ocellus::data {
namespace {

constexpr size_t kHeaderBytes = 33;  // signature, IHDR with its check sum

struct Source {
  const char* at = nullptr;
  size_t left = 0;
  char problem[160] = "";
};

void Read(png_structp png, png_bytep out, size_t count) {
  auto* source = static_cast<Source*>(png_get_io_ptr(png));
  if (count > source->left) png_error(png, "the file ends too early");
  std::memcpy(out, source->at, count);
  source->at += count;
  source->left -= count;
}

[[noreturn]] void Fail(png_structp png, png_const_charp message) {
  auto* source = static_cast<Source*>(png_get_error_ptr(png));
  std::snprintf(source->problem, sizeof source->problem, "%s", message);
  png_longjmp(png, 1);
}

// Owns libpng's state.
struct Reader {
  explicit Reader(Source* source);
  ~Reader() { png_destroy_read_struct(&png, &info, nullptr); }
  Reader(const Reader&) = delete;
  png_structp png = nullptr;
  png_infop info = nullptr;
};

void Ignore(png_structp, png_const_charp) {}

Reader::Reader(Source* source) {
  png = png_create_read_struct(PNG_LIBPNG_VER_STRING, source, Fail, Ignore);
  if (png != nullptr) info = png_create_info_struct(png);
  if (info != nullptr) png_set_read_fn(png, source, Read);
}

uint32_t BigEndian32(const char* bytes) {
  uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
  return value;
}

// Everything to four 8-bit channels.
void AskForRgbx(png_structp png, png_infop info) {
  png_set_palette_to_rgb(png);
  png_set_expand_gray_1_2_4_to_8(png);
  png_set_strip_16(png);
  png_set_gray_to_rgb(png);
  png_set_strip_alpha(png);
  png_set_filler(png, 0xFF, PNG_FILLER_AFTER);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
}

// Leaves by longjmp on errors; `rows` belongs to the caller.
void ReadImage(png_structp png, png_infop info, Pixels* out, std::vector<png_bytep>* rows) {
  png_read_info(png, info);
  const int width = static_cast<int>(png_get_image_width(png, info));
  const int height = static_cast<int>(png_get_image_height(png, info));
  AskForRgbx(png, info);
  out->area = {0, 0, width, height};
  if (png_get_rowbytes(png, info) != static_cast<size_t>(out->stride())) {
    png_error(png, "unknown pixel layout");
  }
  out->bytes.resize(static_cast<size_t>(out->stride()) * height);
  rows->resize(height);
  for (int y = 0; y < height; ++y) (*rows)[y] = out->bytes.data() + y * out->stride();
  png_read_image(png, rows->data());
  png_read_end(png, nullptr);
}

}  // namespace

bool ReadPngSize(std::string_view bytes, ImageSize* size, std::string* problem) {
  if (bytes.size() < kHeaderBytes || bytes.substr(12, 4) != "IHDR") {
    *problem = "truncated PNG header";
    return false;
  }
  const uint32_t width = BigEndian32(bytes.data() + 16);
  const uint32_t height = BigEndian32(bytes.data() + 20);
  if (width == 0 || height == 0 || width > PNG_UINT_31_MAX || height > PNG_UINT_31_MAX) {
    *problem = "damaged PNG header: impossible size";
    return false;
  }
  *size = {static_cast<int>(width), static_cast<int>(height)};
  return true;
}

bool DecodePng(std::string_view bytes, Pixels* out, std::string* problem) {
  Source source{bytes.data(), bytes.size()};
  std::vector<png_bytep> rows;
  Reader reader(&source);
  if (reader.info == nullptr) {
    *problem = "no memory for the PNG decoder";
    return false;
  }
  if (setjmp(png_jmpbuf(reader.png)) != 0) {
    *problem = std::string("damaged PNG: ") + source.problem;
    return false;
  }
  ReadImage(reader.png, reader.info, out, &rows);
  return true;
}

}  // namespace ocellus::data
