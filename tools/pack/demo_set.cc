#include "tools/pack/demo_set.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tools/pack/jpeg_writer.h"
#include "tools/pack/png_writer.h"
#include "tools/pack/scene.h"
#include "tools/pack/shard_writer.h"
#include "worker/data/sampler.h"

namespace ocellus::pack {
namespace {

constexpr int kSmallest = 96, kLargest = 320;  // pixels of a side

constexpr const char* kReadme = R"(# Demo pictures

Made by `ocellus-pack demo`: drawn by a program from random numbers, not photographed and not taken
from any other set. They serve to try Ocellus out; what a model learns from them says nothing about
real pictures.

Each sample of the tar shards has `jpg`, `cls` (the class number), `txt` (the caption) and `json`;
with `--masks` also `mask.png`, white on the things and black on the backdrop. `manifest.json` names
the classes. The same command gives the same bytes.
)";

// Light fall-off towards the corners, grain, exposure and contrast: as a camera would.
std::vector<uint8_t> Develop(const Canvas& canvas, Dice* dice) {
  const float exposure = dice->Between(0.85f, 1.15f), contrast = dice->Between(0.85f, 1.15f);
  const float corner = dice->Between(0, 0.35f), grain = dice->Between(0.005f, 0.04f);
  const uint32_t seed = dice->Seed();
  std::vector<uint8_t> rgb;
  rgb.reserve(size_t{3} * canvas.width() * canvas.height());
  for (int y = 0; y < canvas.height(); ++y) {
    for (int x = 0; x < canvas.width(); ++x) {
      const float u = 2.0f * static_cast<float>(x) / static_cast<float>(canvas.width()) - 1;
      const float v = 2.0f * static_cast<float>(y) / static_cast<float>(canvas.height()) - 1;
      const float light = exposure * (1 - corner * (u * u + v * v) * 0.5f);
      const float fx = static_cast<float>(x), fy = static_cast<float>(y);
      const float speck = grain * (Noise(fx, fy, seed) + Noise(fx * 0.7f, fy * 0.7f, seed + 1) - 1);
      const Color& color = canvas.At(x, y);
      for (const float channel : {color.r, color.g, color.b}) {
        const float value = (channel * light - 0.5f) * contrast + 0.5f + speck;
        rgb.push_back(static_cast<uint8_t>(255 * Clamp01(value) + 0.5f));
      }
    }
  }
  return rgb;
}

// A pixel is the object's when shapes cover at least half of it.
std::vector<uint8_t> ObjectMask(const Canvas& canvas) {
  std::vector<uint8_t> mask;
  mask.reserve(size_t{1} * canvas.width() * canvas.height());
  for (int y = 0; y < canvas.height(); ++y) {
    for (int x = 0; x < canvas.width(); ++x) {
      mask.push_back(canvas.ObjectAt(x, y) >= 0.5f ? 255 : 0);
    }
  }
  return mask;
}

}  // namespace

DemoPicture MakeDemoPicture(uint64_t seed, int64_t count, int64_t index) {
  const std::vector<Kind>& kinds = Kinds();
  Dice frame(seed, index, "frame"), look(seed, index, "mood"), things(seed, index, "things");
  DemoPicture picture;
  picture.label = data::PermutedIndex(seed, 0, count, index) % static_cast<int64_t>(kinds.size());
  const float area = frame.Between(110, 270), stretch = std::exp(frame.Between(-0.35f, 0.35f));
  picture.width = std::clamp(static_cast<int>(area * stretch), kSmallest, kLargest);
  picture.height = std::clamp(static_cast<int>(area / stretch), kSmallest, kLargest);
  picture.quality = 70 + frame.Pick(26);
  const int chroma = frame.Pick(10) < 7 ? 2 : 1;
  const JpegStyle style{picture.quality, chroma, chroma, frame.Pick(10) == 0};

  Canvas canvas(picture.width, picture.height);
  Scene scene{&canvas, &things, MakeMood(&look)};
  picture.caption = kinds[picture.label].paint(&scene) + ", " + WithArticle(scene.mood.words);
  const std::vector<uint8_t> rgb = Develop(canvas, &frame);
  picture.jpeg = EncodeJpeg(rgb.data(), picture.width, picture.height, style);
  picture.mask = EncodeGrayPng(ObjectMask(canvas).data(), picture.width, picture.height);
  return picture;
}

void WriteDemoSet(const DemoSetOptions& options) {
  ShardWriter writer(options.out, "demo", options.count, options.shards);
  nlohmann::ordered_json classes = nlohmann::ordered_json::array();
  for (const Kind& kind : Kinds()) classes.push_back(kind.name);
  for (int64_t i = 0; i < options.count; ++i) {
    const DemoPicture picture = MakeDemoPicture(options.seed, options.count, i);
    const nlohmann::ordered_json facts = {
        {"caption", picture.caption}, {"class", classes[picture.label]},
        {"label", picture.label},     {"width", picture.width},
        {"height", picture.height},   {"quality", picture.quality},
        {"synthetic", true}};
    Members members = {{"jpg", picture.jpeg},
                       {"cls", std::to_string(picture.label)},
                       {"txt", picture.caption},
                       {"json", facts.dump()}};
    if (options.masks) members.push_back({"mask.png", picture.mask});
    writer.Add(members);
  }
  const nlohmann::ordered_json manifest = {
      {"name", "ocellus demo pictures"}, {"synthetic", true},    {"made_by", "ocellus-pack demo"},
      {"count", options.count},          {"seed", options.seed}, {"shards", options.shards},
      {"masks", options.masks},          {"classes", classes}};
  writer.Finish({{"manifest.json", manifest.dump(2) + "\n"}, {"README.md", kReadme}});
}

}  // namespace ocellus::pack
