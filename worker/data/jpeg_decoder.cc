#include "worker/data/jpeg_decoder.h"

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
//
#include <jerror.h>
#include <jpeglib.h>

#include <algorithm>

namespace ocellus::data {
namespace {

// Fancy upsampling looks one chroma sample, at most four columns, to each side.
constexpr int kMarginColumns = 8;

// libjpeg reports through callbacks from C frames, which no exception may cross: hence the jump.
struct ErrorManager {
  jpeg_error_mgr base;  // first, so that libjpeg's pointer to it points here
  jmp_buf jump;
  char text[JMSG_LENGTH_MAX];
};

[[noreturn]] void Fail(j_common_ptr info) {
  auto* errors = reinterpret_cast<ErrorManager*>(info->err);
  info->err->format_message(info, errors->text);
  longjmp(errors->jump, 1);
}

// Warnings that mean lost picture data are errors here; stray bytes and odd markers are not.
void Warn(j_common_ptr info, int level) {
  if (level >= 0) return;
  switch (info->err->msg_code) {
    case JWRN_JPEG_EOF:
    case JWRN_HIT_MARKER:
    case JWRN_HUFF_BAD_CODE:
    case JWRN_MUST_RESYNC:
      Fail(info);
    default:
      return;
  }
}

bool EndsWithMarker(std::string_view bytes) { return bytes.ends_with("\xFF\xD9"); }

uint8_t Times(uint8_t a, uint8_t b) {  // a * b / 255, rounded as Pillow's MULDIV255
  const unsigned product = unsigned{a} * b + 128;
  return static_cast<uint8_t>(((product >> 8) + product) >> 8);
}

// Adobe's files hold 255 minus the ink, whatever their marker says.
void InvertedCmykToRgb(std::vector<uint8_t>* bytes) {
  for (size_t i = 0; i < bytes->size(); i += 4) {
    uint8_t* pixel = bytes->data() + i;
    const uint8_t light = pixel[3];
    for (int c = 0; c < 3; ++c) {
      const uint8_t ink = static_cast<uint8_t>(255 - pixel[c]);
      pixel[c] = static_cast<uint8_t>(std::max(0, light - Times(ink, light)));
    }
  }
}

}  // namespace

struct JpegDecoder::State {
  jpeg_decompress_struct info{};
  ErrorManager errors{};
  std::string_view bytes;
  std::vector<uint8_t> last_row;
};

JpegDecoder::JpegDecoder() : state_(std::make_unique<State>()) {
  state_->info.err = jpeg_std_error(&state_->errors.base);
  state_->errors.base.error_exit = Fail;
  state_->errors.base.emit_message = Warn;
  jpeg_create_decompress(&state_->info);
}

JpegDecoder::~JpegDecoder() { jpeg_destroy_decompress(&state_->info); }

bool JpegDecoder::Open(std::string_view bytes, ImageSize* size, std::string* problem) {
  jpeg_decompress_struct& info = state_->info;
  jpeg_abort_decompress(&info);
  state_->bytes = bytes;
  if (setjmp(state_->errors.jump) != 0) {
    jpeg_abort_decompress(&info);
    *problem = std::string("damaged JPEG header: ") + state_->errors.text;
    return false;
  }
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  jpeg_read_header(&info, TRUE);
  *size = {static_cast<int>(info.image_width), static_cast<int>(info.image_height)};
  return true;
}

bool JpegDecoder::Decode(const Rect& area, Pixels* out, std::string* problem) {
  jpeg_decompress_struct& info = state_->info;
  if (setjmp(state_->errors.jump) != 0) {
    jpeg_abort_decompress(&info);
    *problem = std::string("damaged JPEG: ") + state_->errors.text;
    return false;
  }
  const bool cmyk = info.jpeg_color_space == JCS_CMYK || info.jpeg_color_space == JCS_YCCK;
  info.out_color_space = cmyk ? JCS_CMYK : JCS_EXT_RGBX;
  info.dct_method = JDCT_ISLOW;
  info.do_fancy_upsampling = TRUE;
  ReadRows(area, out);
  if (cmyk) InvertedCmykToRgb(&out->bytes);
  return true;
}

// Leaves by longjmp on errors: nothing here may need a destructor.
void JpegDecoder::ReadRows(const Rect& area, Pixels* out) {
  jpeg_decompress_struct& info = state_->info;
  jpeg_start_decompress(&info);
  JDIMENSION x = static_cast<JDIMENSION>(std::max(0, area.x - kMarginColumns));
  JDIMENSION width =
      std::min(info.output_width, static_cast<JDIMENSION>(area.x + area.width + kMarginColumns)) -
      x;
  if (width < info.output_width) jpeg_crop_scanline(&info, &x, &width);
  out->area = {static_cast<int>(x), area.y, static_cast<int>(width), area.height};
  out->bytes.resize(static_cast<size_t>(out->stride()) * area.height);
  if (area.y > 0) jpeg_skip_scanlines(&info, area.y);
  for (int row = 0; row < area.height;) {
    JSAMPROW line = out->bytes.data() + row * out->stride();
    row += static_cast<int>(jpeg_read_scanlines(&info, &line, 1));
  }
  // A file without its end may have lost rows below: go on to the last one to see.
  const JDIMENSION left = info.output_height - info.output_scanline;
  if (left > 0 && !EndsWithMarker(state_->bytes)) {
    if (left > 1) jpeg_skip_scanlines(&info, left - 1);
    state_->last_row.resize(out->stride());
    JSAMPROW line = state_->last_row.data();
    jpeg_read_scanlines(&info, &line, 1);
  }
  jpeg_abort_decompress(&info);
}

}  // namespace ocellus::data
