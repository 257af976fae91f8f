#include "worker/trainer/picture_grid.h"

#include <gtest/gtest.h>
#include <png.h>

#include <cstring>

namespace ocellus::trainer {
namespace {

struct Decoded {
  uint32_t width = 0, height = 0;
  std::vector<uint8_t> rgb;
  const uint8_t* At(uint32_t row, uint32_t column) const {
    return &rgb[(row * width + column) * 3];
  }
};

Decoded Decode(const std::vector<std::byte>& bytes) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_TRUE(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()));
  image.format = PNG_FORMAT_RGB;
  Decoded decoded{image.width, image.height, std::vector<uint8_t>(PNG_IMAGE_SIZE(image))};
  EXPECT_TRUE(png_image_finish_read(&image, nullptr, decoded.rgb.data(), 0, nullptr));
  return decoded;
}

TEST(PictureGrid, EnlargesSmallPicturesAndKeepsTheirColours) {
  torch::Tensor picture = torch::zeros({3, 8, 8});
  picture[0].fill_(1.0);  // red
  const Decoded page = Decode(PictureGrid({{"a", {picture, picture}}, {"b", {picture, picture}}}));
  EXPECT_GE(page.width, 2 * 112u);
  EXPECT_GE(page.height, 2 * 112u);
  const uint8_t red[3] = {255, 0, 0};
  EXPECT_EQ(std::memcmp(page.At(60, page.width - 60), red, 3), 0);
}

TEST(PictureGrid, WritesTheLabelInInk) {
  const Decoded page = Decode(PictureGrid({{"masked", {torch::ones({3, 128, 128})}}}));
  bool ink = false;
  for (uint32_t row = 0; row < page.height; ++row) {
    for (uint32_t column = 0; column < 60; ++column) ink = ink || page.At(row, column)[0] < 100;
  }
  EXPECT_TRUE(ink);
}

TEST(PictureGrid, ClampsWhatIsOutOfRange) {
  torch::Tensor picture = torch::full({3, 128, 128}, 7.0);
  picture[1].fill_(-3.0);
  const Decoded page = Decode(PictureGrid({{"", {picture}}}));
  const uint8_t magenta[3] = {255, 0, 255};
  EXPECT_EQ(std::memcmp(page.At(page.height / 2, page.width / 2), magenta, 3), 0);
}

}  // namespace
}  // namespace ocellus::trainer
