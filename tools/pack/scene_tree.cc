#include <array>
#include <utility>

#include "tools/pack/scene.h"

namespace ocellus::pack {
namespace {

void DrawTrunk(Canvas* canvas, Point at, float size, float thick, uint32_t bark) {
  canvas->Shape(
      Around(at, size),
      [&](float x, float y) {
        const float wide = thick * (1 + 0.5f * (y - at.y) / size);
        return shape::Segment(x, y, at, {at.x + 0.04f * size, at.y - 0.8f * size}, wide);
      },
      [&](float x, float y) {
        const float round = 0.5f + Fractal(x * 90, y * 14, bark, 2) - 0.25f * (x - at.x) / thick;
        return Color{0.36f, 0.25f, 0.17f} * round;
      });
}

// Lumps with a ragged edge, lit from above.
void DrawCrown(Scene* scene, Point at, float size, Color leaf) {
  Dice& dice = *scene->dice;
  const uint32_t seed = dice.Seed();
  std::array<std::pair<Point, float>, 9> lumps;
  for (auto& [centre, radius] : lumps) {
    const float turn = dice.Between(0, 6.28f), out = dice.Between(0, 0.27f) * size;
    centre = {at.x + std::cos(turn) * out * 1.15f, at.y - 0.86f * size + std::sin(turn) * out};
    radius = dice.Between(0.14f, 0.26f) * size;
  }
  scene->canvas->Shape(
      {at.x - size, at.y - 1.6f * size, at.x + size, at.y},
      [&](float x, float y) {
        float d = 9;
        for (const auto& [c, radius] : lumps) d = std::min(d, shape::Circle(x, y, c, radius));
        const float ragged = Fractal(x * 14 / size, y * 14 / size, seed, 3) - 0.5f;
        return d + 0.18f * size * ragged;
      },
      [&](float x, float y) {
        const float leaves = Fractal(x * 28 / size, y * 28 / size, seed + 5, 3);
        const float height = Clamp01((at.y - 0.5f * size - y) / size);
        return leaf * ((0.6f + 0.7f * height - 0.3f * (x - at.x) / size) * (0.45f + leaves));
      });
}

void DrawFir(Scene* scene, Point at, float size, Color leaf) {
  const uint32_t seed = scene->dice->Seed();
  for (int tier = 0; tier < 5; ++tier) {
    const float t = static_cast<float>(tier), low = at.y - size * (0.18f + 0.2f * t);
    const float half = size * (0.4f - 0.065f * t), top = low - size * 0.42f;
    const Point corners[] = {{at.x, top}, {at.x + half, low}, {at.x - half, low}};
    scene->canvas->Shape(
        {at.x - half, top, at.x + half, low + 0.1f * size},
        [&](float x, float y) {
          const float ragged = Noise(x * 40 / size, y * 12 / size, seed) - 0.5f;
          return shape::Polygon(x, y, corners) + 0.05f * size * ragged;
        },
        [&](float x, float y) {
          const float needles = Fractal(x * 30 / size, y * 30 / size, seed, 2);
          const float light = 1.05f - 0.3f * Smooth(low, top, y) - 0.5f * (x - at.x) / size;
          return leaf * (light * (0.55f + 0.7f * needles));
        });
  }
}

}  // namespace

std::string PaintTree(Scene* scene) {
  Dice& dice = *scene->dice;
  const Canvas& canvas = *scene->canvas;
  PaintSky(scene);
  const float horizon = dice.Between(0.55f, 0.8f);
  PaintLand(scene, horizon);
  const bool fir = dice.Chance(0.4f);
  const Paint leaf = PickPaint(&dice, scene->mood);
  const int trees = 1 + dice.Pick(4);
  for (int i = trees; i-- > 0;) {
    const float far = 1 - 0.18f * static_cast<float>(i);
    const float size = dice.Between(0.42f, 0.68f) * canvas.span() * far;
    const Point at{dice.Between(0.15f, 0.85f) * canvas.aspect(),
                   horizon + dice.Between(0.06f, 0.18f)};
    const float thick = size * dice.Between(0.035f, 0.06f);
    DrawTrunk(scene->canvas, at, size, thick, dice.Seed());
    fir ? DrawFir(scene, at, size, leaf.color) : DrawCrown(scene, at, size, leaf.color);
  }
  const std::string what = leaf.name + (fir ? " fir tree" : " leafy tree");
  return (trees == 1 ? WithArticle(what) : std::to_string(trees) + " " + what + "s") +
         " in a field";
}

}  // namespace ocellus::pack
