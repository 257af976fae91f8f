#include "tools/pack/scene.h"

namespace ocellus::pack {

void PaintSky(Scene* scene) {
  Canvas& canvas = *scene->canvas;
  const Mood& mood = scene->mood;
  const uint32_t seed = scene->dice->Seed();
  const float cover = scene->dice->Between(0.3f, 0.75f), scale = scene->dice->Between(2, 5);
  const float sun_size = scene->dice->Between(0.02f, 0.07f);
  const Color cloud = Mix(mood.sky_low, {1, 1, 1}, 0.35f + 0.4f * mood.day);
  canvas.All([&](float x, float y, Color) {
    Color color = Mix(mood.sky_top, mood.sky_low, Smooth(0, 0.8f, y));
    const float away = std::hypot(x - mood.sun_x * canvas.aspect(), y - mood.sun_y);
    color = color + mood.sun * (0.35f * std::exp(-away * 6));
    color = Mix(color, mood.sun, Smooth(sun_size + 0.008f, sun_size, away));
    if (mood.day < 0.45f) {
      const float star = Noise(x * 90, y * 90, seed + 7);
      color = color +
              Color{1, 1, 1} * (Smooth(0.93f, 1, star) * (0.7f - y) * 2 * (0.45f - mood.day) * 4);
    }
    const float vapour = Fractal(x * scale, y * scale * 2.2f, seed, 4);
    return Mix(color, cloud, 0.85f * Smooth(cover, cover + 0.25f, vapour));
  });
}

void PaintLand(Scene* scene, float horizon) {
  Canvas& canvas = *scene->canvas;
  Dice& dice = *scene->dice;
  const Mood& mood = scene->mood;
  const int layers = 2 + dice.Pick(2);
  for (int layer = 0; layer < layers; ++layer) {
    const uint32_t seed = dice.Seed();
    const float near = static_cast<float>(layer + 1) / static_cast<float>(layers);
    const float base = horizon - 0.1f + 0.1f * near,
                roll = dice.Between(0.05f, 0.16f) * (1.2f - near);
    const float grass = dice.Between(20, 70);
    const Color color = Mix(mood.sky_low, mood.land, 0.35f + 0.65f * near);
    canvas.Shape(
        {0, 0, canvas.aspect(), 1},
        [&](float x, float y) { return base + roll * (0.5f - Fractal(x * 2.5f, 0, seed, 2)) - y; },
        [&](float x, float y) {
          const float depth = 1 + 3 * (y - base);
          const float blades = Fractal(x * grass / depth, y * grass * 1.7f / depth, seed, 3);
          return color * (0.7f + 0.45f * blades + 0.25f * (1 - y));
        });
  }
  canvas.TakeAsBackdrop({0, 0, canvas.aspect(), 1});
}

void PaintWater(Scene* scene, float horizon) {
  Canvas& canvas = *scene->canvas;
  const Mood& mood = scene->mood;
  const uint32_t seed = scene->dice->Seed();
  const float chop = scene->dice->Between(0.15f, 0.5f), length = scene->dice->Between(5, 11);
  const Color deep = Mix(mood.sky_top, Hsv(mood.hue + 0.05f, 0.6f, 0.25f), 0.5f);
  canvas.Each({0, horizon, canvas.aspect(), 1}, [&](float x, float y, Color) {
    const float depth = (y - horizon) / (1 - horizon + 1e-3f);
    const float near = 0.08f + depth;
    const float wave = Fractal(x * length / near * 0.35f, 9 / near, seed, 3) - 0.5f;
    Color color = Mix(mood.sky_low, deep, Clamp01(0.15f + 0.8f * depth + chop * wave));
    const float across = std::fabs(x - mood.sun_x * canvas.aspect());
    const float glint = Smooth(0.12f, 0.3f, wave) * std::exp(-across * 5);
    return color * (1 + chop * wave) + mood.sun * (0.6f * glint);
  });
  canvas.TakeAsBackdrop({0, horizon, canvas.aspect(), 1});
}

void PaintDeep(Scene* scene) {
  Canvas& canvas = *scene->canvas;
  const Mood& mood = scene->mood;
  const uint32_t seed = scene->dice->Seed();
  const float slant = scene->dice->Between(-0.8f, 0.8f);
  const Color low = mood.sky_top * 0.35f;
  const float floor_y = scene->dice->Between(0.78f, 1.05f);
  canvas.All([&](float x, float y, Color) {
    Color color = Mix(mood.sky_low, low, Smooth(-0.1f, 1, y));
    const float ray = Noise((x + slant * y) * 7, 0.3f, seed) * Noise((x + slant * y) * 17, 4, seed);
    color = color + mood.sun * (0.5f * ray * (1 - y));
    color = color * (0.92f + 0.16f * Fractal(x * 5, y * 5, seed + 3, 3));
    const float sand = floor_y + 0.05f * (Noise(x * 4, 1, seed) - 0.5f);
    const Color bottom =
        Mix(mood.land, low, 0.35f) * (0.7f + 0.6f * Fractal(x * 30, y * 60, seed, 3));
    return Mix(color, bottom, Smooth(sand, sand + 0.03f, y));
  });
}

void PaintBokeh(Scene* scene) {
  Canvas& canvas = *scene->canvas;
  Dice& dice = *scene->dice;
  const uint32_t seed = dice.Seed();
  const Mood& mood = scene->mood;
  canvas.All([&](float x, float y, Color) {
    const float blur = Fractal(x * 2, y * 2, seed, 2);
    return Mix(Mix(mood.sky_top, mood.sky_low, y), mood.land, Smooth(0.3f, 0.7f, blur));
  });
  for (int i = 0, spots = 6 + dice.Pick(14); i < spots; ++i) {
    const Point c{dice.Between(0, canvas.aspect()), dice.Between(0, 1)};
    const float radius = dice.Between(0.03f, 0.13f);
    const Color color = Mix(mood.sun, mood.sky_low, dice.Between(0, 1));
    canvas.Shape(
        {c.x - radius - 0.05f, c.y - radius - 0.05f, c.x + radius + 0.05f, c.y + radius + 0.05f},
        [&](float x, float y) { return shape::Circle(x, y, c, radius); },
        [&](float, float) { return color; }, dice.Between(0.1f, 0.45f), 0.02f);
  }
  canvas.TakeAsBackdrop({0, 0, canvas.aspect(), 1});
}

void PaintSpace(Scene* scene) {
  Canvas& canvas = *scene->canvas;
  const Mood& mood = scene->mood;
  const uint32_t seed = scene->dice->Seed();
  const float density = scene->dice->Between(0.86f, 0.95f), glow = scene->dice->Between(0.2f, 1.1f);
  canvas.All([&](float x, float y, Color) {
    const float cloud = Fractal(x * 3, y * 3, seed, 5),
                lane = Fractal(x * 2 + 5, y * 2, seed + 9, 3);
    Color color = mood.sky_top * (0.08f + glow * Smooth(0.45f, 0.85f, cloud));
    color = color + mood.sun * (0.5f * glow * Smooth(0.55f, 0.9f, lane) * cloud);
    const float star = Noise(x * 120, y * 120, seed + 4);
    return color + Color{1, 1, 1} * Smooth(density, 1, star);
  });
}

void PaintRoom(Scene* scene, float table) {
  Canvas& canvas = *scene->canvas;
  Dice& dice = *scene->dice;
  const Mood& mood = scene->mood;
  const uint32_t seed = dice.Seed();
  const int pattern = dice.Pick(4);
  const float pitch = dice.Between(6, 16), depth = dice.Between(0.06f, 0.25f);
  canvas.All([&](float x, float y, Color) {
    const float u = x * pitch, v = y * pitch;
    float mark = 0.5f;
    if (pattern == 1) mark = Smooth(-0.2f, 0.2f, std::sin(u * 3.14f));
    if (pattern == 2) mark = Smooth(0.25f, 0.3f, std::hypot(u - std::round(u), v - std::round(v)));
    if (pattern == 3) mark = std::fmod(std::floor(u) + std::floor(v), 2.0f);
    const float away = std::hypot(x - mood.sun_x * canvas.aspect(), y - mood.sun_y);
    const Color wall = Mix(mood.sky_low, mood.sky_top, mark * depth * 3) * (1.1f - 0.5f * away);
    if (y < table) return wall * (0.95f + 0.1f * Fractal(x * 40, y * 40, seed, 2));
    const float grain = Fractal(x * 3 + 0.3f * Noise(x * 3, y * 20, seed), y * 45, seed, 3);
    return mood.land * (0.75f + 0.5f * grain) * (0.8f + 0.5f * (y - table) + 0.2f * (1 - away));
  });
}

}  // namespace ocellus::pack
