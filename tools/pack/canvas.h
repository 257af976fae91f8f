// A small painter's canvas: smooth shapes given by signed distances, in floating point.
//
// Coordinates: y runs from 0 (top) to 1 (bottom), x from 0 to aspect(). A shape is a function
// distance(x, y), negative inside, in the same units; its edge is blended over one pixel.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace ocellus::pack {

// Red, green, blue in [0, 1]; values beyond are cut when the picture is written.
struct Color {
  float r = 0, g = 0, b = 0;
};

inline Color operator+(Color a, Color b) { return {a.r + b.r, a.g + b.g, a.b + b.b}; }
inline Color operator*(Color a, float f) { return {a.r * f, a.g * f, a.b * f}; }
inline Color Mix(Color a, Color b, float t) { return a * (1 - t) + b * t; }
Color Hsv(float hue, float saturation, float value);  // hue in turns, any real number

inline float Clamp01(float v) { return std::clamp(v, 0.0f, 1.0f); }
inline float Smooth(float low, float high, float v) {
  const float t = Clamp01((v - low) / (high - low));
  return t * t * (3 - 2 * t);
}

// Smooth noise in [0, 1] with one lattice cell a unit, and the sum of `octaves` of it.
float Noise(float x, float y, uint32_t seed);
float Fractal(float x, float y, uint32_t seed, int octaves);

struct Point {
  float x, y;
};
struct Box {
  float left, top, right, bottom;
};
inline Box Around(Point c, float reach) {
  return {c.x - reach, c.y - reach, c.x + reach, c.y + reach};
}

// The same colour everywhere.
inline auto Flat(Color color) {
  return [color](float, float) { return color; };
}

class Canvas {
 public:
  Canvas(int width, int height)
      : width_(width), height_(height), pixels_(width * height), objects_(width * height) {}

  int width() const { return width_; }
  int height() const { return height_; }
  float aspect() const { return static_cast<float>(width_) / static_cast<float>(height_); }
  float span() const { return std::min(1.0f, aspect()); }  // of the shorter side
  const Color& At(int x, int y) const { return pixels_[y * width_ + x]; }
  Color& At(int x, int y) { return pixels_[y * width_ + x]; }
  // How much of the pixel shapes cover, 0 to 1: what is no backdrop.
  float ObjectAt(int x, int y) const { return objects_[y * width_ + x]; }

  // What has been painted in `box` so far is backdrop.
  void TakeAsBackdrop(const Box& box) {
    EachPixel(box, [](float, float, Color&, float& object) { object = 0; });
  }

  // paint(x, y, under) gives the new colour of every pixel in `box`.
  template <typename Paint>
  void Each(const Box& box, Paint paint) {
    EachPixel(box, [&](float x, float y, Color& under, float&) { under = paint(x, y, under); });
  }

  template <typename Paint>
  void All(Paint paint) {
    Each({0, 0, aspect(), 1}, paint);
  }

  // The shape in color(x, y), `alpha` opaque; `box` must hold it. `soft` widens the edge.
  template <typename Distance, typename Paint>
  void Shape(const Box& box, Distance distance, Paint color, float alpha = 1, float soft = 0) {
    const float edge = static_cast<float>(height_) / (1 + soft * static_cast<float>(height_));
    EachPixel(box, [&](float x, float y, Color& under, float& object) {
      const float cover = alpha * Clamp01(0.5f - distance(x, y) * edge);
      if (cover <= 0) return;
      under = Mix(under, color(x, y), cover);
      object += (1 - object) * cover;
    });
  }

 private:
  template <typename Visit>
  void EachPixel(const Box& box, Visit visit) {
    const float unit = 1.0f / static_cast<float>(height_);
    const int x0 = Column(box.left, width_), x1 = Column(box.right, width_);
    const int y0 = Column(box.top, height_), y1 = Column(box.bottom, height_);
    for (int y = y0; y < y1; ++y) {
      for (int x = x0; x < x1; ++x) {
        visit((static_cast<float>(x) + 0.5f) * unit, (static_cast<float>(y) + 0.5f) * unit,
              At(x, y), objects_[y * width_ + x]);
      }
    }
  }

  int Column(float at, int limit) const {
    const float scaled = std::clamp(at, -9.0f, 9.0f) * static_cast<float>(height_);
    return std::clamp(static_cast<int>(std::lround(scaled)), 0, limit);
  }

  int width_;
  int height_;
  std::vector<Color> pixels_;
  std::vector<float> objects_;
};

// Signed distances. Exact inside and out, or a bound good enough for an edge of one pixel.
namespace shape {

inline float Circle(float x, float y, Point c, float radius) {
  return std::hypot(x - c.x, y - c.y) - radius;
}
inline float Ellipse(float x, float y, Point c, float rx, float ry) {
  const float k = std::hypot((x - c.x) / rx, (y - c.y) / ry);
  const float g = std::hypot((x - c.x) / (rx * rx), (y - c.y) / (ry * ry));
  return g < 1e-6f ? -std::min(rx, ry) : k * (k - 1) / g;
}
inline float RoundBox(float x, float y, Point c, float half_w, float half_h, float radius) {
  const float dx = std::fabs(x - c.x) - half_w + radius, dy = std::fabs(y - c.y) - half_h + radius;
  return std::hypot(std::max(dx, 0.0f), std::max(dy, 0.0f)) + std::min(std::max(dx, dy), 0.0f) -
         radius;
}
inline float Segment(float x, float y, Point a, Point b, float radius) {
  const float bx = b.x - a.x, by = b.y - a.y;
  const float t = Clamp01(((x - a.x) * bx + (y - a.y) * by) / (bx * bx + by * by + 1e-12f));
  return std::hypot(x - a.x - t * bx, y - a.y - t * by) - radius;
}
// Convex polygon, corners clockwise on the screen.
template <size_t kCorners>
float Polygon(float x, float y, const Point (&corners)[kCorners]) {
  float worst = -9;
  for (size_t i = 0; i < kCorners; ++i) {
    const Point a = corners[i], b = corners[(i + 1) % kCorners];
    const float nx = b.y - a.y, ny = a.x - b.x, length = std::hypot(nx, ny) + 1e-9f;
    worst = std::max(worst, ((x - a.x) * nx + (y - a.y) * ny) / length);
  }
  return worst;
}

}  // namespace shape
}  // namespace ocellus::pack
