#include "worker/data/augment/byte_colours.h"

#include <algorithm>
#include <cmath>

// Plain loops of selects over 32-bit words: the compiler makes vector code of them.
namespace ocellus::data {
namespace {

int Red(uint32_t pixel) { return static_cast<int>(pixel & 255); }
int Green(uint32_t pixel) { return static_cast<int>(pixel >> 8 & 255); }
int Blue(uint32_t pixel) { return static_cast<int>(pixel >> 16 & 255); }

uint32_t Pixel(int red, int green, int blue) {
  return static_cast<uint32_t>(red) | static_cast<uint32_t>(green) << 8 |
         static_cast<uint32_t>(blue) << 16;
}

int Luma(uint32_t pixel) {
  return (19595 * Red(pixel) + 38470 * Green(pixel) + 7471 * Blue(pixel) + 0x8000) >> 16;
}

// From `degenerate` (factor 0) to `value` (factor 1) and beyond; cut, not rounded.
int Blend(int degenerate, int value, float factor) {
  const float mixed =
      static_cast<float>(degenerate) + factor * static_cast<float>(value - degenerate);
  return static_cast<int>(std::min(std::max(mixed, 0.0f), 255.0f));
}

uint32_t BlendPixel(int degenerate, uint32_t pixel, float factor) {
  return Pixel(Blend(degenerate, Red(pixel), factor), Blend(degenerate, Green(pixel), factor),
               Blend(degenerate, Blue(pixel), factor));
}

struct Hsv {
  int hue, saturation, value;
};

// In floats and doubles where Pillow has them.
Hsv ToHsv(int red, int green, int blue) {
  const int most = std::max(red, std::max(green, blue));
  const int least = std::min(red, std::min(green, blue));
  const float range = static_cast<float>(std::max(most - least, 1));
  const float r = static_cast<float>(most - red) / range;
  const float g = static_cast<float>(most - green) / range;
  const float b = static_cast<float>(most - blue) / range;
  const float of_red = b - g;
  const float of_green = static_cast<float>(2.0 + r - b);
  const float of_blue = static_cast<float>(4.0 + g - r);
  const float sector = red == most ? of_red : green == most ? of_green : of_blue;
  const double turn = sector / 6.0 + 1.0;
  const float hue = static_cast<float>(turn >= 1.0 ? turn - 1.0 : turn);
  const float saturation = static_cast<float>(most - least) / static_cast<float>(std::max(most, 1));
  const int coloured = most == least ? 0 : 1;
  return {coloured * static_cast<int>(hue * 255.0), coloured * static_cast<int>(saturation * 255.0),
          most};
}

uint32_t FromHsv(Hsv in) {
  const double place = static_cast<float>(in.hue) * 6.0 / 255.0;
  const int sector = static_cast<int>(place);
  const float f = static_cast<float>(place - static_cast<float>(sector));
  const float s = static_cast<float>(static_cast<float>(in.saturation) / 255.0);
  const float v = static_cast<float>(in.value);
  const int p = static_cast<int>(v * (1.0 - s) + 0.5);
  const int q = static_cast<int>(v * (1.0 - s * f) + 0.5);
  const int t = static_cast<int>(v * (1.0 - s * (1.0 - f)) + 0.5);
  const int k = sector == 6 ? 0 : sector;
  const int red = k == 0 || k == 5 ? in.value : k == 1 ? q : k == 4 ? t : p;
  const int green = k == 1 || k == 2 ? in.value : k == 3 ? q : k == 0 ? t : p;
  const int blue = k == 3 || k == 4 ? in.value : k == 5 ? q : k == 2 ? t : p;
  return Pixel(red, green, blue);
}

}  // namespace

void AdjustBrightness(uint32_t* pixels, int64_t count, float factor) {
  for (int64_t i = 0; i < count; ++i) pixels[i] = BlendPixel(0, pixels[i], factor);
}

void AdjustContrast(uint32_t* pixels, int64_t count, float factor) {
  int64_t sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += Luma(pixels[i]);
  const double mean = static_cast<double>(sum) / static_cast<double>(count);
  const int gray = static_cast<int>(mean + 0.5);
  for (int64_t i = 0; i < count; ++i) pixels[i] = BlendPixel(gray, pixels[i], factor);
}

void AdjustSaturation(uint32_t* pixels, int64_t count, float factor) {
  for (int64_t i = 0; i < count; ++i) pixels[i] = BlendPixel(Luma(pixels[i]), pixels[i], factor);
}

void AdjustHue(uint32_t* pixels, int64_t count, double factor) {
  const int shift = static_cast<int>(factor * 255);
  for (int64_t i = 0; i < count; ++i) {
    Hsv hsv = ToHsv(Red(pixels[i]), Green(pixels[i]), Blue(pixels[i]));
    hsv.hue = (hsv.hue + shift) & 255;
    pixels[i] = FromHsv(hsv);
  }
}

void ToGrayscale(uint32_t* pixels, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const int gray = Luma(pixels[i]);
    pixels[i] = Pixel(gray, gray, gray);
  }
}

void Solarize(uint32_t* pixels, int64_t count, double threshold) {
  const int from = static_cast<int>(std::ceil(threshold));
  const auto invert = [from](int value) { return value < from ? value : 255 - value; };
  for (int64_t i = 0; i < count; ++i) {
    pixels[i] = Pixel(invert(Red(pixels[i])), invert(Green(pixels[i])), invert(Blue(pixels[i])));
  }
}

}  // namespace ocellus::data
