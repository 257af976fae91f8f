#include "tools/pack/scene.h"

namespace ocellus::pack {
namespace {

struct Flower {
  Point at;
  float size;
  int petals;
  float turn;   // of the first petal
  float sharp;  // of the petals' tips
  float core;   // radius of the heart, in sizes
  float bend;   // of the stem
  uint32_t seed;
  Color petal, heart, green;

  float StemX(float y) const { return at.x + bend * (y - at.y) * (y - at.y) * 1.5f; }
};

void DrawStem(Canvas* canvas, const Flower& flower) {
  canvas->Shape(
      {0, flower.at.y, canvas->aspect(), 1},
      [&](float x, float y) { return std::fabs(x - flower.StemX(y)) - 0.035f * flower.size; },
      [&](float x, float y) {
        return flower.green * (1.1f - 8 * (x - flower.StemX(y)) / flower.size);
      });
}

void DrawLeaf(Canvas* canvas, const Flower& flower, float side, float low) {
  const float size = flower.size;
  const float y0 = flower.at.y + size * low;
  const Point leaf{flower.StemX(y0) + side * 0.32f * size, y0 - 0.1f * size};
  const auto slanted = [&](float x, float y) { return y + side * 0.45f * (x - leaf.x); };
  canvas->Shape(
      Around(leaf, size),
      [&](float x, float y) {
        return shape::Ellipse(x, slanted(x, y), leaf, 0.34f * size, 0.11f * size);
      },
      [&](float x, float y) {
        const float vein = std::fabs(slanted(x, y) - leaf.y) / size;
        return flower.green * (vein < 0.012f ? 1.35f : 0.85f + 1.5f * vein);
      });
}

// One ring of petals, the second one smaller and between those of the first.
void DrawPetals(Canvas* canvas, const Flower& flower, int ring) {
  const Point at = flower.at;
  const float petals = static_cast<float>(flower.petals);
  const float reach = flower.size * (ring == 0 ? 1.0f : 0.74f);
  const float turn = flower.turn + static_cast<float>(ring) * 3.1416f / petals;
  const auto angle = [&](float x, float y) { return std::atan2(y - at.y, x - at.x); };
  const auto lobe = [&](float x, float y) {
    return std::fabs(std::cos((angle(x, y) + turn) * petals * 0.5f));
  };
  canvas->Shape(
      Around(at, 1.1f * flower.size),
      [&](float x, float y) {
        const float edge = reach * (0.3f + 0.7f * std::pow(lobe(x, y), flower.sharp));
        return (std::hypot(x - at.x, y - at.y) - edge) * 0.5f;
      },
      [&](float x, float y) {
        const float r = std::hypot(x - at.x, y - at.y) / reach;
        const float vein = 0.9f + 0.2f * Noise(angle(x, y) * 14, r * 2, flower.seed);
        const float light = vein * (0.5f + 0.35f * r + 0.3f * lobe(x, y));
        const Color color = Mix(flower.petal, flower.heart, 0.5f * Smooth(0.7f, 0.15f, r));
        return color * (light * (ring == 0 ? 0.85f : 1.08f));
      });
}

void DrawHeart(Canvas* canvas, const Flower& flower) {
  const Point at = flower.at;
  const float radius = flower.core * flower.size;
  canvas->Shape(
      Around(at, flower.size), [&](float x, float y) { return shape::Circle(x, y, at, radius); },
      [&](float x, float y) {
        const float r = std::hypot(x - at.x, y - at.y) / radius;
        const float seeds = Noise(x * 30 / flower.size, y * 30 / flower.size, flower.seed + 2);
        const float side = (x - at.x + y - at.y) / radius;
        return flower.heart * ((0.65f + 0.6f * seeds) * (1.1f - 0.5f * r) - 0.15f * side);
      });
}

}  // namespace

std::string PaintFlower(Scene* scene) {
  Dice& dice = *scene->dice;
  Canvas& canvas = *scene->canvas;
  PaintBokeh(scene);
  const Paint petal = PickPaint(&dice, scene->mood), heart = PickPaint(&dice, scene->mood);
  const int count = 1 + dice.Pick(4);
  for (int i = 0; i < count; ++i) {
    const float size = dice.Between(0.2f, 0.36f) * canvas.span() * (count > 2 ? 0.7f : 1);
    const Flower flower{{dice.Between(0.18f, 0.82f) * canvas.aspect(), dice.Between(0.22f, 0.62f)},
                        size,
                        5 + dice.Pick(9),
                        dice.Between(0, 6.28f),
                        dice.Between(0.35f, 1.1f),
                        dice.Between(0.2f, 0.36f),
                        dice.Between(-0.5f, 0.5f) * size,
                        dice.Seed(),
                        petal.color,
                        heart.color,
                        Hsv(dice.Between(0.22f, 0.42f), 0.6f, 0.2f + 0.3f * scene->mood.day)};
    DrawStem(&canvas, flower);
    for (const float side : {-1.0f, 1.0f}) {
      DrawLeaf(&canvas, flower, side, dice.Between(1.2f, 1.9f));
    }
    for (const int ring : {0, 1}) DrawPetals(&canvas, flower, ring);
    DrawHeart(&canvas, flower);
  }
  const std::string what = petal.name + (count == 1 ? " flower" : " flowers");
  return (count == 1 ? WithArticle(what) : std::to_string(count) + " " + what) + " with " +
         WithArticle(heart.name) + " heart";
}

}  // namespace ocellus::pack
