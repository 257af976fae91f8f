// One procedural picture: what all kinds of scenes share.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/pack/canvas.h"
#include "worker/data/draws.h"

namespace ocellus::pack {

// A scene's random numbers, all of them a function of (seed, picture).
class Dice {
 public:
  Dice(uint64_t seed, int64_t picture, const char* purpose) : draws_(seed, 0, picture, purpose) {}
  float Between(float low, float high) { return low + (high - low) * draws_.Uniform(); }
  bool Chance(float probability) { return draws_.Uniform() < probability; }
  int Pick(int count) { return static_cast<int>(draws_.Below(count)); }
  uint32_t Seed() { return draws_.Word(); }

 private:
  data::Draws draws_;
};

// Colours and light of a picture, drawn before and without regard to what it shows.
struct Mood {
  float hue = 0;  // of the backdrop
  float day = 1;  // 0 night, 1 noon
  Color sky_top, sky_low, land, sun;
  float sun_x = 0.5f, sun_y = 0.2f;  // fractions of width and height
  std::string words;                 // "under a violet evening sky"
};
Mood MakeMood(Dice* dice);

// A strong colour that is not the backdrop's, and its name.
struct Paint {
  Color color;
  std::string name;
};
Paint PickPaint(Dice* dice, const Mood& mood);
std::string HueName(float hue);
std::string BothNames(const Paint& a, const Paint& b);  // "red and white", or "red" for two reds
std::string WithArticle(const std::string& words);      // "a red cup", "an azure cup"

// What a painter works on.
struct Scene {
  Canvas* canvas;
  Dice* dice;
  Mood mood;
};

// Backdrops. `horizon` is a height in [0, 1].
void PaintSky(Scene* scene);
void PaintLand(Scene* scene, float horizon);
void PaintWater(Scene* scene, float horizon);
void PaintDeep(Scene* scene);   // under water
void PaintBokeh(Scene* scene);  // out of focus
void PaintSpace(Scene* scene);
void PaintRoom(Scene* scene, float table);  // a wall and a table top

// A painter draws one kind of thing over its backdrop and returns the caption's first words ("a red
// sailing boat on calm water").
struct Kind {
  const char* name;
  std::string (*paint)(Scene* scene);
};
// The classes, in the order of their labels.
const std::vector<Kind>& Kinds();

std::string PaintBoat(Scene* scene);
std::string PaintHouse(Scene* scene);
std::string PaintTree(Scene* scene);
std::string PaintBalloon(Scene* scene);
std::string PaintMountain(Scene* scene);
std::string PaintFish(Scene* scene);
std::string PaintFlower(Scene* scene);
std::string PaintCar(Scene* scene);
std::string PaintPlanet(Scene* scene);
std::string PaintCup(Scene* scene);

}  // namespace ocellus::pack
