#include "tools/pack/scene.h"

namespace ocellus::pack {
namespace {

struct Planet {
  Point c;
  float r;
  bool ring;
  bool banded;
  float tilt, bands;
  float flat;  // of the ring
  float sun;   // direction of the light
  uint32_t seed;
  Color land, sea;

  Box Bounds() const { return Around(c, 2.5f * r); }
  // Along and across the ring, in radii.
  float U(float x, float y) const { return ((x - c.x) + tilt * (y - c.y)) / r; }
  float V(float x, float y) const { return ((y - c.y) - tilt * (x - c.x)) / r; }
  float RingRadius(float x, float y) const { return std::hypot(U(x, y), V(x, y) / flat); }
};

void DrawRing(Canvas* canvas, const Planet& planet, bool front) {
  canvas->Shape(
      planet.Bounds(),
      [&](float x, float y) {
        const float band = std::fabs(planet.RingRadius(x, y) - 1.75f) - 0.4f;
        const float v = planet.V(x, y);
        return planet.r * std::max(band * planet.flat, front ? -v : v);
      },
      [&](float x, float y) {
        const float grain = Noise(planet.RingRadius(x, y) * 16, 2, planet.seed);
        return Mix(planet.sea, {0.9f, 0.85f, 0.75f}, 0.5f) * (0.35f + 0.8f * grain);
      },
      0.88f);
}

// A sphere from the side: w is towards us.
Color Ground(const Planet& planet, float x, float y, float w) {
  const float a = planet.U(x, y) * 3 / (0.4f + w), b = planet.V(x, y) * 3 / (0.4f + w);
  const float swirl = Fractal(a, b, planet.seed, 5);
  const float latitude = planet.V(x, y) * 1.57f * planet.bands;
  const float mark =
      planet.banded ? 0.5f + 0.5f * std::sin(latitude + 3 * swirl) : Smooth(0.46f, 0.54f, swirl);
  return Mix(planet.sea, planet.land, mark) * (0.75f + 0.5f * swirl);
}

void DrawPlanet(Scene* scene, const Planet& planet) {
  Canvas& canvas = *scene->canvas;
  const Color glow = scene->mood.sun;
  if (planet.ring) DrawRing(&canvas, planet, false);
  canvas.Each(planet.Bounds(), [&](float x, float y, Color under) {
    const float away = std::hypot(x - planet.c.x, y - planet.c.y) / planet.r;
    if (away < 1) return under;
    return under + Mix(planet.sea, glow, 0.4f) * (0.35f * std::exp(-(away - 1) * 9));
  });
  const float lx = 0.75f * std::cos(planet.sun), ly = 0.75f * std::sin(planet.sun);
  canvas.Shape(
      planet.Bounds(), [&](float x, float y) { return shape::Circle(x, y, planet.c, planet.r); },
      [&](float x, float y) {
        const float u = (x - planet.c.x) / planet.r, v = (y - planet.c.y) / planet.r;
        const float w = std::sqrt(std::max(0.0f, 1 - u * u - v * v));
        const float light = Clamp01(0.12f + 1.1f * (u * lx + v * ly + w * 0.66f));
        const Color rim = glow * (0.25f * Smooth(0.55f, 0.05f, w) * light);
        return Ground(planet, x, y, w) * (0.06f + light) + rim;
      });
  if (planet.ring) DrawRing(&canvas, planet, true);
}

Planet MakePlanet(Dice* dice, Point c, float r, bool ring, Color land, Color sea) {
  Planet planet{c, r, ring, ring || dice->Chance(0.5f)};
  planet.tilt = dice->Between(-0.5f, 0.5f);
  planet.bands = dice->Between(3, 8);
  planet.flat = dice->Between(0.15f, 0.35f);
  planet.sun = dice->Between(0, 6.28f);
  planet.seed = dice->Seed();
  planet.land = land;
  planet.sea = sea;
  return planet;
}

}  // namespace

std::string PaintPlanet(Scene* scene) {
  Dice& dice = *scene->dice;
  const Canvas& canvas = *scene->canvas;
  const bool space = dice.Chance(0.55f);
  if (space) {
    PaintSpace(scene);
  } else {
    PaintSky(scene);
    if (dice.Chance(0.7f)) PaintLand(scene, dice.Between(0.75f, 0.95f));
  }
  const Paint land = PickPaint(&dice, scene->mood), sea = PickPaint(&dice, scene->mood);
  const bool ring = dice.Chance(0.4f);
  const Point c{dice.Between(0.3f, 0.7f) * canvas.aspect(), dice.Between(0.3f, 0.7f)};
  const float r = dice.Between(0.17f, 0.34f) * canvas.span() * (ring ? 0.75f : 1);
  DrawPlanet(scene, MakePlanet(&dice, c, r, ring, land.color, sea.color));
  const int moons = dice.Pick(3);
  for (int i = 0; i < moons; ++i) {
    const float turn = dice.Between(0, 6.28f), out = r * dice.Between(1.5f, 2.1f);
    const Point at{c.x + out * std::cos(turn), c.y + out * std::sin(turn)};
    const Color dust = PickPaint(&dice, scene->mood).color;
    DrawPlanet(scene,
               MakePlanet(&dice, at, r * dice.Between(0.12f, 0.28f), false, dust, sea.color));
  }
  const char* company[] = {"", " and a moon", " and two moons"};
  return WithArticle(BothNames(land, sea)) + " planet" + (ring ? " with rings" : "") +
         company[moons] + (space ? " among stars" : " in the sky");
}

}  // namespace ocellus::pack
