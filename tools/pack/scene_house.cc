#include "tools/pack/scene.h"

namespace ocellus::pack {
namespace {

struct House {
  Point at;  // middle of the ground line
  float size;
  float half;  // half of the width
  float tall;  // up to the eaves
  float peak;  // of the roof above the eaves
  bool bricks;
  Color wall, roof, glass;

  float Eaves() const { return at.y - tall; }
  Box Bounds() const { return {at.x - size, at.y - 2 * size, at.x + size, at.y + 0.2f * size}; }
};

float Fraction(float v) { return v - std::floor(v); }

// Planks or bricks: the joints are darker.
float Joint(const House& house, float x, float y) {
  const float course = (house.at.y - y) / house.size * 22;
  const float shift = 0.5f * std::fmod(std::floor(course + 99), 2.0f);
  const float brick = Fraction((x - house.at.x) / house.size * 9 + shift);
  const bool seam = Fraction(course) > 0.88f || (house.bricks && brick > 0.92f);
  return seam ? 0.82f : 1.0f;
}

void DrawWalls(Canvas* canvas, const House& house, uint32_t seed) {
  canvas->Shape(
      house.Bounds(),
      [&](float x, float y) {
        const Point c{house.at.x, house.at.y - house.tall / 2};
        return shape::RoundBox(x, y, c, house.half, house.tall / 2, 0);
      },
      [&](float x, float y) {
        const float light = 0.95f + 0.25f * (house.at.x - x) / house.half;
        return house.wall *
               (Joint(house, x, y) * light * (0.9f + 0.2f * Noise(x * 80, y * 80, seed)));
      });
}

void DrawRoof(Canvas* canvas, const House& house, float chimney) {
  const Point stack{house.at.x + house.half * chimney, house.Eaves() - house.peak * 0.5f};
  canvas->Shape(
      house.Bounds(),
      [&](float x, float y) {
        return shape::RoundBox(x, y, stack, 0.07f * house.size, house.peak * 0.5f, 0);
      },
      Flat(house.roof * 0.6f));
  const float low = house.Eaves() + 0.02f * house.size, out = house.half * 1.18f;
  const Point gable[] = {
      {house.at.x, house.Eaves() - house.peak}, {house.at.x + out, low}, {house.at.x - out, low}};
  canvas->Shape(
      house.Bounds(), [&](float x, float y) { return shape::Polygon(x, y, gable); },
      [&](float x, float y) {
        const float tile = Fraction((low - y) / house.size * 16);
        const float light = 0.9f + 0.25f * (house.at.x - x) / house.half;
        return house.roof * ((tile > 0.85f ? 0.75f : 1.0f) * light);
      });
}

void DrawWindow(Canvas* canvas, Point c, float half, const Color& glass) {
  const Box box = Around(c, 2 * half);
  canvas->Shape(
      box,
      [&](float x, float y) {
        return shape::RoundBox(x, y, c, half * 1.2f, half * 1.35f, half * 0.1f);
      },
      Flat({0.92f, 0.9f, 0.86f}));
  canvas->Shape(
      box,
      [&](float x, float y) {
        const float bar = std::min(std::fabs(x - c.x), std::fabs(y - c.y));
        return std::max(shape::RoundBox(x, y, c, half, half * 1.15f, 0), half * 0.09f - bar);
      },
      [&](float x, float y) {
        return glass * (0.85f + 0.5f * Clamp01((c.x - x + c.y - y) / half * 0.4f));
      });
}

void DrawOpenings(Canvas* canvas, const House& house, int across) {
  const int floors = house.tall > 0.6f * house.size ? 2 : 1;
  for (int f = 0; f < floors; ++f) {
    const float up = floors == 1 ? 0.54f : 0.48f + 0.26f * static_cast<float>(f);
    for (int i = 0; i < across; ++i) {
      const float along = static_cast<float>(i) / static_cast<float>(across - 1);
      const Point c{house.at.x + house.half * (-0.62f + 1.24f * along),
                    house.at.y - house.tall * up};
      DrawWindow(canvas, c, 0.07f * house.size, house.glass);
    }
  }
  const Point door{house.at.x + 0.05f * house.half, house.at.y - 0.13f * house.size};
  canvas->Shape(
      house.Bounds(),
      [&](float x, float y) {
        return shape::RoundBox(x, y, door, 0.065f * house.size, 0.13f * house.size,
                               0.02f * house.size);
      },
      [&](float x, float) {
        return Mix(house.roof, {0.3f, 0.2f, 0.12f}, 0.6f) * (x < door.x ? 1.0f : 0.8f);
      });
}

void DrawHouse(Scene* scene, Point at, float size, Color wall, Color roof) {
  Dice& dice = *scene->dice;
  const Color dark = Mix(scene->mood.sky_low, {0.2f, 0.25f, 0.3f}, 0.5f);
  const House house{at,
                    size,
                    size * dice.Between(0.42f, 0.6f),
                    size * dice.Between(0.5f, 0.75f),
                    size * dice.Between(0.25f, 0.5f),
                    dice.Chance(0.5f),
                    wall,
                    roof,
                    scene->mood.day < 0.6f ? Color{1, 0.85f, 0.45f} : dark};
  DrawWalls(scene->canvas, house, dice.Seed());
  DrawRoof(scene->canvas, house, dice.Between(-0.6f, 0.6f));
  DrawOpenings(scene->canvas, house, 2 + dice.Pick(2));
}

}  // namespace

std::string PaintHouse(Scene* scene) {
  Dice& dice = *scene->dice;
  const Canvas& canvas = *scene->canvas;
  PaintSky(scene);
  const float horizon = dice.Between(0.5f, 0.72f);
  PaintLand(scene, horizon);
  const Paint wall = PickPaint(&dice, scene->mood), roof = PickPaint(&dice, scene->mood);
  const int houses = 1 + dice.Pick(3);
  for (int i = houses; i-- > 0;) {
    const float far = 1 - 0.3f * static_cast<float>(i);
    const Point at{dice.Between(0.2f, 0.8f) * canvas.aspect(),
                   horizon + dice.Between(0.12f, 0.24f) * far};
    const float size = dice.Between(0.36f, 0.58f) * canvas.span() * far;
    DrawHouse(scene, at, size, i == 0 ? wall.color : PickPaint(&dice, scene->mood).color,
              roof.color);
  }
  const std::string what =
      houses == 1 ? WithArticle(wall.name + " house") : std::to_string(houses) + " houses";
  return what + " with " + WithArticle(roof.name) + " roof";
}

}  // namespace ocellus::pack
