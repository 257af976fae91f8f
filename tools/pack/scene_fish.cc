#include "tools/pack/scene.h"

namespace ocellus::pack {
namespace {

struct Fish {
  Point at;
  float size;
  float way;   // 1 swims to the right, -1 to the left
  float deep;  // half of the height, in lengths
  float bands;
  int pattern;  // 0 bars, 1 stripes, 2 patches
  uint32_t seed;
  Color body, mark;

  // From tail (-) to head (+), and down, in lengths of the fish.
  float U(float x) const { return (x - at.x) * way / size; }
  float V(float y) const { return (y - at.y) / size; }
  Box Bounds() const { return Around(at, size); }
};

void DrawFins(Canvas* canvas, const Fish& fish) {
  const auto rays = [&](float x, float y) {
    const float ray = std::sin(fish.U(x) * 9 + std::fabs(fish.V(y)) * 30);
    return Mix(fish.mark, fish.body, 0.3f) * (0.8f + 0.3f * ray);
  };
  canvas->Shape(
      fish.Bounds(),
      [&](float x, float y) {
        const float u = fish.U(x), side = std::fabs(fish.V(y));
        const float spread = side - 0.06f - 0.75f * std::max(0.0f, -0.36f - u);
        return fish.size * std::max({spread, -0.56f - 0.42f * side - u, u + 0.36f}) * 0.8f;
      },
      rays);
  const auto fin = [&](Point c, float rx, float ry) {
    canvas->Shape(
        fish.Bounds(),
        [&](float x, float y) {
          return fish.size * shape::Ellipse(fish.U(x), fish.V(y), c, rx, ry);
        },
        rays);
  };
  fin({-0.02f, -0.85f * fish.deep}, 0.24f, 0.15f);
  fin({-0.06f, 0.85f * fish.deep}, 0.12f, 0.12f);
}

float Marking(const Fish& fish, float u, float v) {
  if (u > 0.26f) return 1;  // the head is plain
  if (fish.pattern == 0) return std::sin(u * fish.bands * 3);
  if (fish.pattern == 1) return std::sin(v * fish.bands * 4);
  return 1.5f - 4 * Noise(u * 14, v * 14, fish.seed);
}

void DrawBody(Canvas* canvas, const Fish& fish) {
  canvas->Shape(
      fish.Bounds(),
      [&](float x, float y) {
        const float u = fish.U(x);
        const float high = fish.deep * (1 - 0.25f * u);
        return fish.size * shape::Ellipse(u, fish.V(y), {0, 0}, 0.44f, high);
      },
      [&](float x, float y) {
        const float u = fish.U(x), v = fish.V(y);
        const float scale = std::sin(u * 70) * std::sin(v * 70 + std::floor(u * 22) * 3.1f);
        const Color color = Mix(fish.mark, fish.body, Smooth(-0.25f, 0.15f, Marking(fish, u, v)));
        const Color belly = Mix(color, {1, 1, 0.95f}, 0.35f * Smooth(0, fish.deep, v));
        return belly * (1.05f - 1.1f * std::max(0.0f, v) - 0.25f * v + 0.07f * scale);
      });
}

void DrawFace(Canvas* canvas, const Fish& fish) {
  const Point eye{fish.at.x + fish.way * 0.3f * fish.size,
                  fish.at.y - 0.25f * fish.deep * fish.size};
  const Point pupil{eye.x + fish.way * 0.008f * fish.size, eye.y};
  const Box box = Around(eye, 0.1f * fish.size);
  canvas->Shape(
      box, [&](float x, float y) { return shape::Circle(x, y, eye, 0.045f * fish.size); },
      Flat({0.97f, 0.96f, 0.9f}));
  canvas->Shape(
      box, [&](float x, float y) { return shape::Circle(x, y, pupil, 0.026f * fish.size); },
      Flat({0.05f, 0.05f, 0.07f}));
  canvas->Shape(
      fish.Bounds(),
      [&](float x, float y) {
        const float u = fish.U(x);
        const float gill = std::fabs(shape::Circle(u, fish.V(y), {0.3f, 0}, 0.14f)) - 0.008f;
        return fish.size * std::max(gill, u - 0.24f);
      },
      Flat(fish.body * 0.55f), 0.7f);
}

void DrawBubbles(Scene* scene, int count) {
  Dice& dice = *scene->dice;
  for (int i = 0; i < count; ++i) {
    const Point c{dice.Between(0, scene->canvas->aspect()), dice.Between(0, 0.9f)};
    const float r = dice.Between(0.006f, 0.022f);
    scene->canvas->Shape(
        Around(c, 0.04f),
        [&](float x, float y) { return std::fabs(shape::Circle(x, y, c, r)) - 0.003f; },
        Flat({1, 1, 1}), 0.6f);
  }
}

}  // namespace

std::string PaintFish(Scene* scene) {
  Dice& dice = *scene->dice;
  const Canvas& canvas = *scene->canvas;
  PaintDeep(scene);
  const Paint body = PickPaint(&dice, scene->mood), mark = PickPaint(&dice, scene->mood);
  const int count = 1 + dice.Pick(4);
  for (int i = 0; i < count; ++i) {
    const Fish fish{{dice.Between(0.2f, 0.8f) * canvas.aspect(), dice.Between(0.2f, 0.78f)},
                    dice.Between(0.42f, 0.72f) * canvas.span() * (count > 2 ? 0.62f : 1),
                    dice.Chance(0.5f) ? 1.0f : -1.0f,
                    dice.Between(0.2f, 0.34f),
                    dice.Between(5, 14),
                    dice.Pick(3),
                    dice.Seed(),
                    body.color,
                    mark.color};
    DrawFins(scene->canvas, fish);
    DrawBody(scene->canvas, fish);
    DrawFace(scene->canvas, fish);
  }
  DrawBubbles(scene, dice.Pick(14));
  const std::string what = BothNames(body, mark) + " fish";
  return (count == 1 ? WithArticle(what) : std::to_string(count) + " " + what) + " under water";
}

}  // namespace ocellus::pack
