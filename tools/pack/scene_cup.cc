#include "tools/pack/scene.h"

namespace ocellus::pack {
namespace {

struct Cup {
  Point at;  // middle of the foot
  float size;
  float tall;
  float taper;  // how much narrower the foot is
  float way;    // side of the handle
  int pattern;  // 0 plain, 1 belt, 2 dots, 3 stripes
  float pitch;
  Color glaze, decor;

  float Top() const { return at.y - tall; }
  float Wide() const { return 0.32f * size; }
  float Rim() const { return 0.09f * size; }
  float Half(float y) const { return Wide() * (1 - taper * Clamp01((y - Top()) / tall)); }
  Box Bounds() const { return {at.x - size, Top() - size, at.x + size, at.y + 0.3f * size}; }
  // A cylinder lit from the left.
  float Light(float x) const {
    const float u = (x - at.x) / Wide();
    return 1.05f - 0.45f * u * u - 0.28f * u;
  }
};

float Fraction(float v) { return v - std::floor(v); }

void DrawSaucer(Canvas* canvas, const Cup& cup) {
  const Point shadow{cup.at.x + 0.1f * cup.size, cup.at.y + 0.05f * cup.size};
  canvas->Shape(
      cup.Bounds(),
      [&](float x, float y) {
        return shape::Ellipse(x, y, shadow, 0.62f * cup.size, 0.09f * cup.size);
      },
      Flat({0.03f, 0.02f, 0.02f}), 0.45f, 0.03f);
  const Point plate{cup.at.x, cup.at.y + 0.02f * cup.size};
  canvas->Shape(
      cup.Bounds(),
      [&](float x, float y) {
        return shape::Ellipse(x, y, plate, 0.56f * cup.size, 0.1f * cup.size);
      },
      [&](float x, float y) {
        const float light = 0.75f + 0.25f * cup.Light(x) + (y - cup.at.y) / cup.size;
        return Mix(cup.glaze, {1, 1, 1}, 0.5f) * light;
      });
}

bool Decorated(const Cup& cup, float turn, float v) {
  if (cup.pattern == 1) return v > 0.35f && v < 0.65f;
  if (cup.pattern == 3) return std::sin(turn * cup.pitch * 2) > 0.2f;
  return cup.pattern == 2 && std::hypot(Fraction(turn * cup.pitch * 0.5f) - 0.5f,
                                        Fraction(v * cup.pitch * 0.8f) - 0.5f) < 0.28f;
}

void DrawWall(Canvas* canvas, const Cup& cup) {
  const Point grip{cup.at.x + cup.way * cup.Half(cup.at.y - 0.5f * cup.tall) * 1.1f,
                   cup.at.y - 0.52f * cup.tall};
  canvas->Shape(
      cup.Bounds(),
      [&](float x, float y) {
        const float ring = shape::Ellipse(x, y, grip, 0.17f * cup.size, 0.2f * cup.size);
        return std::fabs(ring) - 0.035f * cup.size;
      },
      [&](float, float y) { return cup.glaze * (0.85f - 0.6f * (y - grip.y) / cup.size); });
  canvas->Shape(
      cup.Bounds(),
      [&](float x, float y) {
        const float u = (x - cup.at.x) / cup.Wide();
        const float round = 0.8f * cup.Rim() * std::sqrt(std::max(0.0f, 1 - u * u));
        const float side = std::fabs(x - cup.at.x) - cup.Half(y);
        return std::max({side, cup.Top() - y, y - cup.at.y - round * (1 - cup.taper)});
      },
      [&](float x, float y) {
        const float turn = std::asin(std::clamp((x - cup.at.x) / cup.Half(y), -1.0f, 1.0f));
        const float v = (y - cup.Top()) / cup.tall - 0.08f * std::cos(turn);
        const float shine = 0.35f * Smooth(0.09f, 0, std::fabs(turn + 0.6f));
        return (Decorated(cup, turn, v) ? cup.decor : cup.glaze) * cup.Light(x) +
               Color{1, 1, 1} * shine;
      });
}

void DrawCoffee(Canvas* canvas, const Cup& cup) {
  const Point rim{cup.at.x, cup.Top()}, drink{cup.at.x, cup.Top() + 0.012f * cup.size};
  canvas->Shape(
      cup.Bounds(),
      [&](float x, float y) { return shape::Ellipse(x, y, rim, cup.Wide(), cup.Rim()); },
      [&](float x, float) {
        return Mix(cup.glaze, {1, 1, 1}, 0.35f) * (1.15f - 0.2f * cup.Light(x));
      });
  canvas->Shape(
      cup.Bounds(),
      [&](float x, float y) {
        return shape::Ellipse(x, y, drink, cup.Wide() * 0.88f, cup.Rim() * 0.75f);
      },
      [&](float x, float) {
        return Color{0.26f, 0.14f, 0.07f} * (0.9f + 0.9f * (x - cup.at.x) / cup.size);
      });
}

void DrawSteam(Canvas* canvas, const Cup& cup, uint32_t seed) {
  const float wide = cup.Wide(), high = 0.75f * cup.size, top = cup.Top();
  const auto wisp = [&](float offset, float thick) {
    const float u = offset / (thick * wide);
    return std::exp(-u * u);
  };
  const Box box{cup.at.x - wide, top - high, cup.at.x + wide, top};
  canvas->Each(box, [&](float x, float y, Color under) {
    const float rise = (top - y) / high, u = x - cup.at.x;
    const float bend = (Noise(y * 7, 1, seed) - 0.5f) * 0.5f * wide * (0.3f + rise);
    const float density = Clamp01(wisp(u - bend, 0.28f) + wisp(u - 0.45f * wide + bend, 0.2f));
    const float cloud = Noise(x * 9, y * 9, seed + 3) * Smooth(0, 0.15f, rise) * (1 - rise);
    return Mix(under, {0.97f, 0.97f, 1}, 0.6f * density * cloud);
  });
}

}  // namespace

std::string PaintCup(Scene* scene) {
  Dice& dice = *scene->dice;
  Canvas& canvas = *scene->canvas;
  const float table = dice.Between(0.5f, 0.72f);
  PaintRoom(scene, table);
  const Paint glaze = PickPaint(&dice, scene->mood), decor = PickPaint(&dice, scene->mood);
  const int cups = 1 + dice.Pick(2);
  for (int i = cups; i-- > 0;) {
    const float y = table + dice.Between(0.08f, 0.2f) + (i == 0 ? 0.05f : -0.04f);
    const float size = dice.Between(0.45f, 0.68f) * canvas.span() * (i == 0 ? 1.0f : 0.8f);
    const Cup cup{{dice.Between(0.25f, 0.75f) * canvas.aspect(), y},
                  size,
                  size * dice.Between(0.55f, 0.8f),
                  dice.Between(0, 0.3f),
                  dice.Chance(0.5f) ? 1.0f : -1.0f,
                  dice.Pick(4),
                  dice.Between(4, 9),
                  i == 0 ? glaze.color : PickPaint(&dice, scene->mood).color,
                  decor.color};
    DrawSaucer(&canvas, cup);
    DrawWall(&canvas, cup);
    DrawCoffee(&canvas, cup);
    DrawSteam(&canvas, cup, dice.Seed());
  }
  return cups == 1 ? "a steaming " + glaze.name + " cup on a table"
                   : "two steaming cups, one " + glaze.name + ", on a table";
}

}  // namespace ocellus::pack
