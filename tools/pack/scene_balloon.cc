#include "tools/pack/scene.h"

namespace ocellus::pack {
namespace {

struct Balloon {
  Point c;  // of the envelope's widest circle
  float r;
  Color first, second;
  int gores;
  int style;  // 0 upright stripes, 1 rings, 2 spiral

  Box Bounds() const { return {c.x - 1.1f * r, c.y - 1.1f * r, c.x + 1.1f * r, c.y + 2.1f * r}; }
};

void DrawBasket(Canvas* canvas, const Balloon& balloon) {
  const auto& [c, r, first, second, gores, style] = balloon;
  for (const float side : {-1.0f, 1.0f}) {
    const Point up{c.x + side * 0.28f * r, c.y + 1.15f * r};
    const Point low{c.x + side * 0.14f * r, c.y + 1.7f * r};
    canvas->Shape(
        balloon.Bounds(),
        [&](float x, float y) { return shape::Segment(x, y, up, low, 0.012f * balloon.r); },
        Flat({0.15f, 0.12f, 0.1f}));
  }
  const Point basket{c.x, c.y + 1.78f * r};
  canvas->Shape(
      balloon.Bounds(),
      [&](float x, float y) {
        return shape::RoundBox(x, y, basket, 0.17f * balloon.r, 0.12f * balloon.r,
                               0.03f * balloon.r);
      },
      [&](float x, float y) {
        const float weave = std::fabs(std::sin((24 * x + 20 * y) / balloon.r));
        return Color{0.5f, 0.33f, 0.18f} * (0.7f + 0.5f * weave);
      });
}

void DrawEnvelope(Canvas* canvas, const Balloon& balloon) {
  const Point c = balloon.c;
  const float r = balloon.r;
  canvas->Shape(
      balloon.Bounds(),
      [&](float x, float y) {
        const float down = std::max(0.0f, y - c.y) / r;
        return shape::Ellipse(x, y, c, r * (1 - 0.25f * down * down), r * (y > c.y ? 1.3f : 1.0f));
      },
      [&](float x, float y) {
        const float v = (y - c.y) / r, rise = v / 1.35f;
        const float half = std::sqrt(std::max(0.05f, 1 - rise * rise));
        const float u = std::clamp((x - c.x) / (r * half), -1.0f, 1.0f);
        const float turn = std::asin(u) / 3.1416f * static_cast<float>(2 * balloon.gores);
        const float mark = balloon.style == 1 ? v * 4 : balloon.style == 2 ? turn + v * 3 : turn;
        const bool even = std::fmod(std::floor(mark) + 40, 2.0f) < 1;
        const float seam = std::fabs(turn - std::round(turn)) < 0.05f ? 0.12f : 0.0f;
        return (even ? balloon.first : balloon.second) * (0.95f - 0.35f * u - 0.25f * v - seam);
      });
}

}  // namespace

std::string PaintBalloon(Scene* scene) {
  Dice& dice = *scene->dice;
  const Canvas& canvas = *scene->canvas;
  PaintSky(scene);
  if (dice.Chance(0.7f)) PaintLand(scene, dice.Between(0.75f, 0.95f));
  const Paint first = PickPaint(&dice, scene->mood);
  const int balloons = 1 + dice.Pick(4);
  for (int i = balloons; i-- > 0;) {
    const float far = 1 - 0.2f * static_cast<float>(i);
    const Balloon balloon{
        {dice.Between(0.18f, 0.82f) * canvas.aspect(), dice.Between(0.22f, 0.58f)},
        dice.Between(0.15f, 0.27f) * canvas.span() * far,
        i == 0 ? first.color : PickPaint(&dice, scene->mood).color,
        PickPaint(&dice, scene->mood).color,
        3 + dice.Pick(4),
        dice.Pick(3)};
    DrawBasket(scene->canvas, balloon);
    DrawEnvelope(scene->canvas, balloon);
  }
  return balloons == 1 ? WithArticle(first.name) + " hot-air balloon"
                       : std::to_string(balloons) + " hot-air balloons";
}

}  // namespace ocellus::pack
