#include "tools/pack/scene.h"

namespace ocellus::pack {
namespace {

// Distances of the parts of a boat whose waterline's middle is `at`; `s` is its length.
struct Boat {
  Point at;
  float s;
  float lean;

  Point Top() const { return {at.x + lean * s, at.y - 1.15f * s}; }
  float Hull(float x, float y) const {
    const float lift = 0.12f * s;
    const Point corners[] = {{at.x - 0.5f * s, at.y - lift},
                             {at.x + 0.55f * s, at.y - lift},
                             {at.x + 0.36f * s, at.y + lift},
                             {at.x - 0.4f * s, at.y + lift}};
    return shape::Polygon(x, y, corners);
  }
  float MainSail(float x, float y) const {
    const Point corners[] = {
        Top(), {at.x + 0.46f * s, at.y - 0.2f * s}, {at.x + 0.03f * s, at.y - 0.2f * s}};
    return shape::Polygon(x, y, corners) + 0.02f * s * std::sin((y - at.y) * 5 / s);
  }
  float Jib(float x, float y) const {
    const Point corners[] = {{Top().x - 0.02f * s, Top().y + 0.15f * s},
                             {at.x - 0.03f * s, at.y - 0.2f * s},
                             {at.x - 0.42f * s, at.y - 0.17f * s}};
    return shape::Polygon(x, y, corners);
  }
  float Mast(float x, float y) const {
    return shape::Segment(x, y, {at.x, at.y - 0.12f * s}, Top(), 0.014f * s);
  }
};

// The mirror image, broken by ripples.
void DrawReflection(Scene* scene, const Boat& boat, Color sail, Color hull) {
  const uint32_t ripple = scene->dice->Seed();
  const float s = boat.s;
  const Box box{boat.at.x - s, boat.at.y, boat.at.x + s, boat.at.y + 1.3f * s};
  scene->canvas->Each(box, [&](float x, float y, Color under) {
    const float below = (y - boat.at.y) / s;
    const float bent = x + 0.12f * s * (Noise(x * 3, y * 60, ripple) - 0.5f) * (0.4f + below);
    const float mirrored = 2 * (boat.at.y + 0.08f * s) - y;
    const float fade = 0.55f * std::exp(-1.2f * below);
    if (boat.Hull(bent, mirrored) < 0) return Mix(under, hull * 0.6f, fade);
    const bool cloth = boat.MainSail(bent, mirrored) < 0 || boat.Jib(bent, mirrored) < 0;
    return cloth ? Mix(under, sail * 0.8f, fade) : under;
  });
}

void DrawBoat(Scene* scene, const Boat& boat, Color sail, Color hull) {
  DrawReflection(scene, boat, sail, hull);
  Canvas& canvas = *scene->canvas;
  const Box box = Around(boat.at, 1.3f * boat.s);
  const auto cloth = [&](float x, float y) {
    const float seam = std::fabs(std::sin((y - boat.at.y) * 16 / boat.s)) < 0.12f ? 0.9f : 1.0f;
    return sail * (seam * (1.0f + 0.35f * (x - boat.at.x) / boat.s));
  };
  canvas.Shape(
      box, [&](float x, float y) { return boat.Jib(x, y); }, cloth, 0.95f);
  canvas.Shape(
      box, [&](float x, float y) { return boat.MainSail(x, y); }, cloth);
  canvas.Shape(
      box, [&](float x, float y) { return boat.Mast(x, y); }, Flat({0.22f, 0.16f, 0.12f}));
  canvas.Shape(
      box, [&](float x, float y) { return boat.Hull(x, y); },
      [&](float, float y) {
        const float down = (y - boat.at.y) / (0.12f * boat.s);
        return down < -0.55f ? Color{0.93f, 0.9f, 0.85f} : hull * (0.85f - 0.3f * down);
      });
}

}  // namespace

std::string PaintBoat(Scene* scene) {
  Dice& dice = *scene->dice;
  const Canvas& canvas = *scene->canvas;
  PaintSky(scene);
  const float horizon = dice.Between(0.4f, 0.68f);
  if (dice.Chance(0.5f)) PaintLand(scene, horizon - 0.01f);
  PaintWater(scene, horizon);
  const Paint sail = PickPaint(&dice, scene->mood), hull = PickPaint(&dice, scene->mood);
  const int boats = 1 + dice.Pick(3);
  for (int i = boats; i-- > 0;) {
    const float far = 1 - 0.35f * static_cast<float>(i);
    const float y = horizon + (1 - horizon) * dice.Between(0.1f, 0.55f) * far;
    const Boat boat{{dice.Between(0.2f, 0.8f) * canvas.aspect(), y},
                    dice.Between(0.28f, 0.52f) * canvas.span() * far,
                    dice.Between(-0.12f, 0.12f)};
    DrawBoat(scene, boat, i == 0 ? sail.color : PickPaint(&dice, scene->mood).color, hull.color);
  }
  return boats == 1 ? "a sailing boat with " + WithArticle(sail.name) + " sail on the water"
                    : std::to_string(boats) + " sailing boats on the water";
}

}  // namespace ocellus::pack
