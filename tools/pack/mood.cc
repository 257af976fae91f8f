#include <array>

#include "tools/pack/scene.h"

namespace ocellus::pack {
namespace {

struct Range {
  float low, high;
};

// A colour whose parts are drawn in this order, whatever the compiler makes of arguments.
Color DrawHsv(Dice* dice, Range hue, Range saturation, Range value) {
  const float h = dice->Between(hue.low, hue.high);
  const float s = dice->Between(saturation.low, saturation.high);
  return Hsv(h, s, dice->Between(value.low, value.high));
}

}  // namespace

std::string HueName(float hue) {
  static constexpr std::array<const char*, 12> kNames = {"red",   "orange", "yellow", "lime",
                                                         "green", "jade",   "cyan",   "azure",
                                                         "blue",  "violet", "purple", "pink"};
  const float turn = hue - std::floor(hue);
  return kNames[static_cast<int>(turn * 12 + 0.5f) % 12];
}

std::string BothNames(const Paint& a, const Paint& b) {
  return a.name == b.name ? a.name : a.name + " and " + b.name;
}

std::string WithArticle(const std::string& words) {
  return (std::string("aeiou").find(words[0]) != std::string::npos ? "an " : "a ") + words;
}

Mood MakeMood(Dice* dice) {
  Mood mood;
  const float hue = mood.hue = dice->Between(0, 1);
  const float day = mood.day = dice->Between(0.15f, 1);
  const float bright = 0.2f + 0.7f * day, low = std::min(1.0f, bright + 0.25f);
  mood.sky_top = DrawHsv(dice, {hue, hue}, {0.35f, 0.8f}, {0.6f * bright, bright});
  mood.sky_low = DrawHsv(dice, {hue - 0.2f, hue + 0.2f}, {0.1f, 0.55f}, {low, low});
  mood.land = DrawHsv(dice, {0, 1}, {0.2f, 0.6f}, {0.2f + 0.45f * day, 0.2f + 0.45f * day});
  mood.sun = DrawHsv(dice, {hue + 0.3f, hue + 0.7f}, {0, 0.4f}, {1, 1});
  mood.sun_x = dice->Between(0.1f, 0.9f);
  mood.sun_y = dice->Between(0.08f, 0.45f);
  const char* time = day < 0.4f ? "night" : day < 0.65f ? "evening" : "day";
  mood.words = HueName(hue) + " " + time;
  return mood;
}

Paint PickPaint(Dice* dice, const Mood& mood) {
  const bool pale = dice->Chance(0.2f);
  const float hue = mood.hue + dice->Between(0.15f, 0.85f), light = 0.45f + 0.5f * mood.day;
  const Range saturation = pale ? Range{0.1f, 0.1f} : Range{0.5f, 0.95f};
  const Color color = DrawHsv(dice, {hue, hue}, saturation, {0.7f * light, light});
  return {color, pale ? "white" : HueName(hue)};
}

}  // namespace ocellus::pack
