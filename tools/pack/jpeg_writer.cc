#include "tools/pack/jpeg_writer.h"

#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
//
#include <jpeglib.h>

#include "worker/wire/fault.h"

namespace ocellus::pack {
namespace {

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

// Owns libjpeg's state and what it has written.
struct Writer {
  Writer() {
    info.err = jpeg_std_error(&errors.base);
    errors.base.error_exit = Fail;
    jpeg_create_compress(&info);
  }
  ~Writer() {
    jpeg_destroy_compress(&info);
    std::free(bytes);
  }
  Writer(const Writer&) = delete;

  jpeg_compress_struct info{};
  ErrorManager errors{};
  unsigned char* bytes = nullptr;
  unsigned long count = 0;
};

// Leaves by longjmp on errors: nothing here may need a destructor.
void Write(Writer* writer, const uint8_t* rgb, int width, int height, const JpegStyle& style) {
  jpeg_compress_struct& info = writer->info;
  jpeg_mem_dest(&info, &writer->bytes, &writer->count);
  info.image_width = width;
  info.image_height = height;
  info.input_components = 3;
  info.in_color_space = JCS_RGB;
  jpeg_set_defaults(&info);
  jpeg_set_quality(&info, style.quality, TRUE);
  info.comp_info[0].h_samp_factor = style.chroma_across;
  info.comp_info[0].v_samp_factor = style.chroma_down;
  if (style.progressive) jpeg_simple_progression(&info);
  jpeg_start_compress(&info, TRUE);
  while (info.next_scanline < info.image_height) {
    auto* row = const_cast<uint8_t*>(rgb) + size_t{3} * width * info.next_scanline;
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
}

}  // namespace

std::string EncodeJpeg(const uint8_t* rgb, int width, int height, const JpegStyle& style) {
  Writer writer;
  if (setjmp(writer.errors.jump) != 0) {
    throw wire::Fault(wire::FaultClass::kUnknown, "INTERNAL",
                      std::string("the JPEG encoder says: ") + writer.errors.text);
  }
  Write(&writer, rgb, width, height, style);
  return std::string(reinterpret_cast<const char*>(writer.bytes), writer.count);
}

}  // namespace ocellus::pack
