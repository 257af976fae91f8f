#include "worker/data/jpeg_decoder.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "tests/worker/data/test_images.h"
#include "worker/data/dataset.h"
#include "worker/data/image_decoder.h"

namespace ocellus::data {
namespace {

Pixels DecodePart(ImageDecoder* decoder, const std::string& bytes, const Rect* area) {
  ImageSize size;
  std::string problem;
  Pixels pixels;
  EXPECT_TRUE(decoder->Open(bytes, 1 << 24, &size, &problem)) << problem;
  const Rect whole{0, 0, size.width, size.height};
  EXPECT_TRUE(decoder->Decode(area == nullptr ? whole : *area, &pixels, &problem)) << problem;
  return pixels;
}

// False with a problem, or true: but never a crash.
bool Decodes(ImageDecoder* decoder, const std::string& bytes, std::string* problem) {
  ImageSize size;
  Pixels pixels;
  return decoder->Open(bytes, 1 << 24, &size, problem) &&
         decoder->Decode({0, 0, size.width, size.height}, &pixels, problem);
}

TEST(JpegDecoderTest, APartEqualsThatPartOfTheWhole) {
  std::mt19937 random(4);
  ImageDecoder decoder;
  for (const auto& [across, down] : {std::pair{1, 1}, {2, 1}, {2, 2}, {1, 2}, {4, 1}}) {
    for (const bool progressive : {false, true}) {
      for (const auto& [width, height] : {std::pair{131, 97}, {64, 48}, {33, 70}}) {
        const std::string bytes = TestJpeg(1, width, height, {85, across, down, progressive});
        const Pixels whole = DecodePart(&decoder, bytes, nullptr);
        for (int i = 0; i < 60; ++i) {
          Rect area;
          area.x = static_cast<int>(random() % width);
          area.y = static_cast<int>(random() % height);
          area.width = 1 + static_cast<int>(random() % (width - area.x));
          area.height = 1 + static_cast<int>(random() % (height - area.y));
          const Pixels part = DecodePart(&decoder, bytes, &area);
          for (int y = area.y; y < area.y + area.height; ++y) {
            ASSERT_EQ(std::memcmp(part.At(area.x, y), whole.At(area.x, y), 4 * area.width), 0)
                << across << "x" << down << (progressive ? " progressive " : " ") << width << "x"
                << height << ": " << area.x << "," << area.y << " " << area.width << "x"
                << area.height << " row " << y;
          }
        }
      }
    }
  }
}

TEST(JpegDecoderTest, EveryCutIsNoticed) {
  ImageDecoder decoder;
  for (const bool progressive : {false, true}) {
    const std::string bytes = TestJpeg(2, 60, 44, {80, 2, 2, progressive});
    std::string problem;
    ASSERT_TRUE(Decodes(&decoder, bytes, &problem)) << problem;
    // From where the picture's data can no longer be whole.
    for (size_t length = 0; length + 8 < bytes.size(); length += 3) {
      EXPECT_FALSE(Decodes(&decoder, bytes.substr(0, length), &problem)) << "at " << length;
      EXPECT_FALSE(problem.empty());
    }
    EXPECT_TRUE(Decodes(&decoder, bytes, &problem)) << "the decoder must recover";
  }
}

TEST(JpegDecoderTest, ACutBelowTheCropIsNoticed) {
  const std::string bytes = TestJpeg(3, 90, 80);
  ImageDecoder decoder;
  ImageSize size;
  std::string problem;
  Pixels pixels;
  const std::string cut = bytes.substr(0, bytes.size() * 2 / 3);
  ASSERT_TRUE(decoder.Open(cut, 1 << 20, &size, &problem));
  EXPECT_FALSE(decoder.Decode({0, 0, 90, 8}, &pixels, &problem));
  EXPECT_NE(problem.find("remature end"), std::string::npos) << problem;
}

TEST(JpegDecoderTest, RandomDamageNeverCrashes) {
  std::mt19937 random(9);
  ImageDecoder decoder;
  int refused = 0;
  for (const char* name : {"420.jpg", "progressive.jpg", "cmyk.jpg", "palette.png", "rgba.png"}) {
    const std::string sound = Fixture(name);
    for (int i = 0; i < 150; ++i) {
      std::string bytes = sound;
      for (int k = 0; k < 4; ++k) bytes[random() % bytes.size()] = static_cast<char>(random());
      std::string problem;
      refused += !Decodes(&decoder, bytes, &problem);
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(ImageDecoderTest, NamesWhatIsWrong) {
  ImageDecoder decoder;
  const auto problem_of = [&](const std::string& bytes) {
    std::string problem;
    EXPECT_FALSE(Decodes(&decoder, bytes, &problem));
    return problem;
  };
  EXPECT_EQ(problem_of(""), "empty file (0 bytes)");
  EXPECT_EQ(problem_of("GIF89a, once"), "neither JPEG nor PNG");
  EXPECT_EQ(problem_of("\xFF\xD8\xFF"), "damaged JPEG header: Premature end of JPEG file");
  EXPECT_EQ(problem_of(Fixture("rgb.png").substr(0, 20)), "truncated PNG header");
  EXPECT_EQ(problem_of(Fixture("rgb.png").substr(0, 2000)), "damaged PNG: the file ends too early");
}

TEST(ImageDecoderTest, PixelBombsAreRefusedByTheirHeader) {
  ImageDecoder decoder;
  ImageSize size;
  std::string problem;
  std::string jpeg = TestJpeg(1);
  const size_t frame = jpeg.find("\xFF\xC0");
  ASSERT_NE(frame, std::string::npos);
  jpeg.replace(frame + 5, 4, "\xFD\xE8\xFD\xE8");  // 65000 x 65000
  EXPECT_FALSE(decoder.Open(jpeg, kDefaultMaxPixels, &size, &problem));
  EXPECT_EQ(problem,
            "65000 x 65000 = 4225000000 pixels, over the limit of 89478485 (data.max_pixels)");
  std::string png = Fixture("rgb.png");
  png.replace(16, 8, std::string("\0\1\0\0\0\1\0\0", 8));
  EXPECT_FALSE(decoder.Open(png, kDefaultMaxPixels, &size, &problem));
  EXPECT_NE(problem.find("65536 x 65536"), std::string::npos) << problem;
}

}  // namespace
}  // namespace ocellus::data
