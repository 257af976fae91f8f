#include "worker/trainer/picture_grid.h"

#include <png.h>

#include <algorithm>
#include <stdexcept>

#include "worker/trainer/label_font.h"

namespace ocellus::trainer {
namespace {

constexpr int64_t kPictureSideMin = 112;  // pixels; smaller pictures are enlarged
constexpr int64_t kGap = 4;
constexpr int64_t kDot = 2;  // pixels of a font dot
constexpr uint8_t kPaper = 255, kInk = 40;

// [H, W, 3] bytes of a page.
struct Page {
  int64_t height = 0, width = 0;
  std::vector<uint8_t> pixels;

  Page(int64_t h, int64_t w) : height(h), width(w), pixels(h * w * 3, kPaper) {}
  uint8_t* At(int64_t row, int64_t column) { return &pixels[(row * width + column) * 3]; }
};

void Draw(Page& page, const torch::Tensor& picture, int64_t top, int64_t left, int64_t factor) {
  const torch::Tensor bytes_HWC =
      (picture * 255 + 0.5).clamp(0, 255).to(torch::kByte).permute({1, 2, 0}).contiguous();
  const uint8_t* source = bytes_HWC.data_ptr<uint8_t>();
  const int64_t height = bytes_HWC.size(0), width = bytes_HWC.size(1);
  for (int64_t row = 0; row < height * factor; ++row) {
    for (int64_t column = 0; column < width * factor; ++column) {
      const uint8_t* dot = source + (row / factor * width + column / factor) * 3;
      std::copy(dot, dot + 3, page.At(top + row, left + column));
    }
  }
}

void DrawGlyph(Page& page, char letter, int64_t top, int64_t left) {
  const Glyph& glyph = GlyphOf(letter);
  for (int64_t row = 0; row < kGlyphHeight * kDot; ++row) {
    for (int64_t column = 0; column < kGlyphWidth * kDot; ++column) {
      const bool ink = glyph[row / kDot] >> (kGlyphWidth - 1 - column / kDot) & 1;
      if (ink) std::fill_n(page.At(top + row, left + column), 3, kInk);
    }
  }
}

int64_t LabelWidth(const std::string& label) {
  return static_cast<int64_t>(label.size()) * (kGlyphWidth + 1) * kDot;
}

void DrawLabel(Page& page, const std::string& label, int64_t top, int64_t left) {
  for (size_t i = 0; i < label.size(); ++i) {
    DrawGlyph(page, label[i], top, left + static_cast<int64_t>(i) * (kGlyphWidth + 1) * kDot);
  }
}

void Append(png_structp png, png_bytep data, size_t size) {
  auto* out = static_cast<std::vector<std::byte>*>(png_get_io_ptr(png));
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  out->insert(out->end(), bytes, bytes + size);
}

void Refuse(png_structp, png_const_charp message) { throw std::runtime_error(message); }

std::vector<std::byte> Encode(Page& page) {
  std::vector<std::byte> out;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, Refuse, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(png, &out, Append, nullptr);
  png_set_IHDR(png, info, page.width, page.height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
               PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (int64_t row = 0; row < page.height; ++row) png_write_row(png, page.At(row, 0));
  png_write_end(png, info);
  png_destroy_write_struct(&png, &info);
  return out;
}

}  // namespace

std::vector<std::byte> PictureGrid(const std::vector<PictureRow>& rows) {
  const torch::Tensor& first = rows.at(0).pictures.at(0);
  const int64_t side = std::max(first.size(1), first.size(2));
  const int64_t factor = (kPictureSideMin + side - 1) / side;
  const int64_t height = first.size(1) * factor, width = first.size(2) * factor;

  int64_t margin = 0, columns = 0;
  for (const PictureRow& row : rows) {
    margin = std::max(margin, LabelWidth(row.label) + 3 * kGap);
    columns = std::max<int64_t>(columns, row.pictures.size());
  }
  Page page(kGap + static_cast<int64_t>(rows.size()) * (height + kGap),
            margin + columns * (width + kGap));
  for (size_t r = 0; r < rows.size(); ++r) {
    const int64_t top = kGap + static_cast<int64_t>(r) * (height + kGap);
    DrawLabel(page, rows[r].label, top + (height - kGlyphHeight * kDot) / 2, 2 * kGap);
    for (size_t c = 0; c < rows[r].pictures.size(); ++c) {
      Draw(page, rows[r].pictures[c], top, margin + static_cast<int64_t>(c) * (width + kGap),
           factor);
    }
  }
  return Encode(page);
}

}  // namespace ocellus::trainer
