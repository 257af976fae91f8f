#include "tools/pack/scene.h"

namespace ocellus::pack {
namespace {

struct Ridge {
  float near;  // 0 far away .. 1 in front
  float base, tall, scale;
  uint32_t seed;
  Color rock;
  bool snow;

  // Height of the crest, y down: folded noise gives sharp crests and round valleys.
  float Crest(float x) const {
    const float fold = 1 - std::fabs(2 * Fractal(x * scale, 3, seed, 4) - 1);
    return base - tall * (fold * fold - 0.45f);
  }
};

void DrawRidge(Scene* scene, const Ridge& ridge) {
  const Mood& mood = scene->mood;
  const float side = mood.sun_x > 0.5f ? 5.4f : -5.4f;
  scene->canvas->Shape(
      {0, 0, scene->canvas->aspect(), 1},
      [&](float x, float y) { return (ridge.Crest(x) - y) * 0.6f; },
      [&](float x, float y) {
        const float top = ridge.Crest(x);
        const float slope = ridge.Crest(x + 0.012f) - ridge.Crest(x - 0.012f);
        const float crag = Fractal(x * 16 + y * 9, y * 22 - x * 7, ridge.seed, 4) - 0.5f;
        const float light = Clamp01(0.75f + slope * side + 0.9f * crag);
        float cap = Smooth(0.14f, 0.06f, y - top + 0.16f * crag);
        cap *= ridge.snow ? Smooth(ridge.base, ridge.base - 0.2f, top) : 0;
        const Color white = Color{0.95f, 0.97f, 1} * (0.55f + 0.5f * light);
        const Color stone = Mix(ridge.rock * (0.55f + 0.7f * light), white, cap);
        const float haze = 0.5f * Clamp01((y - top) * 1.6f) * (1 - 0.7f * ridge.near);
        return Mix(stone, mood.sky_low, haze);
      });
}

}  // namespace

std::string PaintMountain(Scene* scene) {
  Dice& dice = *scene->dice;
  const Mood& mood = scene->mood;
  PaintSky(scene);
  const Paint rock = PickPaint(&dice, mood);
  const int ridges = 2 + dice.Pick(3);
  const bool snow = dice.Chance(0.65f);
  const Color air = Mix(mood.sky_low, mood.sky_top, 0.5f);
  for (int i = 0; i < ridges; ++i) {
    const float near = static_cast<float>(i + 1) / static_cast<float>(ridges);
    DrawRidge(scene, {near, 0.42f + 0.42f * near, dice.Between(0.35f, 0.7f) * (1.25f - 0.7f * near),
                      dice.Between(1.4f, 2.6f), dice.Seed(),
                      Mix(air, rock.color * 0.7f, 0.25f + 0.6f * near), snow});
  }
  if (dice.Chance(0.35f)) PaintWater(scene, dice.Between(0.78f, 0.9f));
  return std::string(snow ? "snowy " : "bare ") + rock.name + " mountains";
}

}  // namespace ocellus::pack
