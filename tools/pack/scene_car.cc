#include "tools/pack/scene.h"

namespace ocellus::pack {
namespace {

struct Car {
  Point at;  // middle of the ground line
  float size;
  float way;  // 1 drives to the right, -1 to the left
  float roof, tail, wheel;
  Color body;

  Point Place(float u, float v) const { return {at.x + way * u * size, at.y + v * size}; }
  Box Bounds() const { return Around(at, 0.7f * size); }
  // The upper part: slanted at both ends.
  float Cabin(float x, float y) const {
    const float u = (x - at.x) * way / size, v = (at.y - y) / size;
    const float front = (0.3f - u - 0.75f * (v - 0.22f)) * 0.8f;
    const float back = (u + tail - 0.42f * (v - 0.22f)) * 0.9f;
    return size * std::max({v - roof, -front, -back, 0.16f - v});
  }
  // The lower part, without the arches of the wheels.
  float Body(float x, float y) const {
    const float main =
        shape::RoundBox(x, y, Place(0, -0.155f), 0.55f * size, 0.085f * size, 0.06f * size);
    const float arch = wheel * 1.2f * size;
    return std::max({main, -shape::Circle(x, y, Place(-0.34f, -0.07f), arch),
                     -shape::Circle(x, y, Place(0.34f, -0.07f), arch)});
  }
};

void DrawWheel(Canvas* canvas, Point c, float r) {
  const Box box = Around(c, 1.1f * r);
  canvas->Shape(
      box, [&](float x, float y) { return shape::Circle(x, y, c, r); },
      Flat({0.07f, 0.07f, 0.08f}));
  canvas->Shape(
      box, [&](float x, float y) { return shape::Circle(x, y, c, r * 0.62f); },
      [&](float x, float y) {
        const float spoke = Smooth(-0.2f, 0.3f, std::cos(std::atan2(y - c.y, x - c.x) * 5));
        return Color{0.75f, 0.76f, 0.8f} * (0.55f + 0.4f * spoke - 0.3f * (y - c.y) / r);
      });
}

void DrawShell(Scene* scene, const Car& car) {
  Canvas& canvas = *scene->canvas;
  const auto lacquer = [&](float, float y) {
    const float v = (car.at.y - y) / car.size;
    const float shine = 0.22f * Smooth(0.02f, 0.0f, std::fabs(v - 0.2f));
    return car.body * (0.62f + 1.15f * v) + Color{1, 1, 1} * shine;
  };
  canvas.Shape(
      car.Bounds(), [&](float x, float y) { return car.Cabin(x, y); }, lacquer);
  canvas.Shape(
      car.Bounds(),
      [&](float x, float y) {
        const float pillar = 0.014f - std::fabs((x - car.at.x) * car.way / car.size + 0.02f);
        const float sill = y - (car.at.y - 0.235f * car.size);
        return std::max({car.Cabin(x, y) + 0.03f * car.size, car.size * pillar, sill});
      },
      [&](float x, float y) {
        const float sheen = 0.55f + 0.3f * std::sin((x + y) * 9 / car.size);
        return Mix(scene->mood.sky_low, {0.1f, 0.13f, 0.18f}, sheen);
      });
  canvas.Shape(
      car.Bounds(), [&](float x, float y) { return car.Body(x, y); }, lacquer);
}

void DrawCar(Scene* scene, const Car& car) {
  Canvas& canvas = *scene->canvas;
  const auto oval = [&](Point c, float rx, float ry, Color color, float alpha, float soft) {
    canvas.Shape(
        Around(c, 1.1f * std::max(rx, ry) + soft),
        [&](float x, float y) { return shape::Ellipse(x, y, c, rx, ry); }, Flat(color), alpha,
        soft);
  };
  const float s = car.size;
  oval(car.Place(0, 0.02f), 0.58f * s, 0.04f * s, {0.03f, 0.03f, 0.04f}, 0.6f, 0.015f);
  DrawShell(scene, car);
  for (const float u : {-0.34f, 0.34f}) DrawWheel(&canvas, car.Place(u, -0.07f), car.wheel * s);
  oval(car.Place(0.52f, -0.17f), 0.025f * s, 0.03f * s, {1, 0.97f, 0.75f}, 1, 0);
  oval(car.Place(-0.535f, -0.17f), 0.015f * s, 0.03f * s, {0.85f, 0.08f, 0.06f}, 1, 0);
}

void DrawRoad(Scene* scene, float top) {
  const uint32_t seed = scene->dice->Seed();
  const float day = scene->mood.day, gray = 0.16f + 0.2f * day;
  const Box box{0, top, scene->canvas->aspect(), std::min(1.0f, top + 0.3f)};
  scene->canvas->Each(box, [&](float x, float y, Color) {
    const bool dash = std::fabs(y - top - 0.24f) < 0.007f && std::fmod(x * 4, 1.0f) < 0.6f;
    if (dash || y < top + 0.012f) return Color{0.85f, 0.82f, 0.7f} * (0.4f + 0.6f * day);
    return Color{gray, gray, gray * 1.05f} * (0.8f + 0.4f * Fractal(x * 60, y * 120, seed, 2));
  });
}

}  // namespace

std::string PaintCar(Scene* scene) {
  Dice& dice = *scene->dice;
  const Canvas& canvas = *scene->canvas;
  PaintSky(scene);
  const float horizon = dice.Between(0.45f, 0.65f);
  PaintLand(scene, horizon);
  const float road = horizon + dice.Between(0.08f, 0.14f);
  DrawRoad(scene, road);
  const Paint body = PickPaint(&dice, scene->mood);
  const int cars = 1 + dice.Pick(2);
  for (int i = cars; i-- > 0;) {
    const bool front = i == 0;
    DrawCar(scene, {{dice.Between(0.28f, 0.72f) * canvas.aspect(), road + (front ? 0.2f : 0.06f)},
                    dice.Between(0.55f, 0.8f) * canvas.span() * (front ? 1.0f : 0.7f),
                    dice.Chance(0.5f) ? 1.0f : -1.0f,
                    dice.Between(0.34f, 0.44f),
                    dice.Between(0.24f, 0.46f),
                    dice.Between(0.095f, 0.12f),
                    front ? body.color : PickPaint(&dice, scene->mood).color});
  }
  return cars == 1 ? WithArticle(body.name) + " car on a road"
                   : "two cars, one of them " + body.name + ", on a road";
}

}  // namespace ocellus::pack
