// Colour changes for comparison with other libraries (test_augment.py). Reads the file argv[1]: one
// line {"width", "height", "commands": [...]} and the image's RGB bytes. Writes each command's
// result to stdout: a line of JSON, then size x size RGB bytes.
//
//   {"op": "brightness" | "contrast" | "saturation" | "hue" | "grayscale" | "blur" | "solarize",
//    "amount": number}         one change of the image as it is
//   {"op": "view", "seed", "n", "size", "style", "backend", and data.augment's keys}
//                              a view; its line holds the plan. "repeat": do it so many times, and
//                              give "ns", the processor's time for the colours of one
#include <cmath>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "worker/data/augment/augmenter.h"
#include "worker/data/augment/byte_colours.h"
#include "worker/data/crop.h"
#include "worker/data/resize.h"

namespace ocellus::data {
namespace {

using nlohmann::json;
using Words = std::vector<uint32_t>;

struct Image {
  int width, height;
  Words words;
};

void Write(const json& line, const uint8_t* rgb, int64_t pixels) {
  std::cout << line.dump() << "\n";
  std::cout.write(reinterpret_cast<const char*>(rgb), 3 * pixels);
}

void WriteWords(const Words& words) {
  std::vector<uint8_t> rgb;
  for (const uint32_t word : words) {
    for (const int shift : {0, 8, 16}) rgb.push_back(static_cast<uint8_t>(word >> shift));
  }
  Write(json::object(), rgb.data(), static_cast<int64_t>(words.size()));
}

void Change(const Image& image, const json& command) {
  Words words = image.words;
  const auto count = static_cast<int64_t>(words.size());
  const std::string op = command.at("op");
  const double amount = command.at("amount");
  if (op == "brightness") AdjustBrightness(words.data(), count, static_cast<float>(amount));
  if (op == "contrast") AdjustContrast(words.data(), count, static_cast<float>(amount));
  if (op == "saturation") AdjustSaturation(words.data(), count, static_cast<float>(amount));
  if (op == "hue") AdjustHue(words.data(), count, amount);
  if (op == "grayscale") ToGrayscale(words.data(), count);
  if (op == "solarize") Solarize(words.data(), count, amount);
  if (op == "blur") {
    BoxBlur().Run(words.data(), image.width, image.height, static_cast<float>(amount));
  }
  WriteWords(words);
}

// Values come out as (v / 255 - 0) / (1 / 255).
ViewOptions Options(const json& c) {
  ViewOptions view;
  view.name = c.value("name", "images");
  view.size = c.at("size");
  view.crop_scale = c.value("crop_scale", view.crop_scale);
  view.interpolation = c.value("interpolation", "bilinear") == "bilinear" ? Interpolation::kBilinear
                                                                          : Interpolation::kBicubic;
  view.flip = c.value("flip", 0.5);
  view.mean = {0, 0, 0};
  view.std = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f};
  ColourOptions& colours = view.colours;
  colours.style = c.value("style", "torchvision") == "byol" ? Style::kByol : Style::kTorchvision;
  colours.backend =
      c.value("backend", "reference") == "fast" ? Backend::kFast : Backend::kReference;
  colours.color_jitter = c.value("color_jitter", 0.0);
  colours.brightness = c.value("brightness", 0.0);
  colours.contrast = c.value("contrast", 0.0);
  colours.saturation = c.value("saturation", 0.0);
  colours.hue = c.value("hue", 0.0);
  colours.grayscale = c.value("grayscale", 0.0);
  colours.blur = c.value("blur", 0.0);
  colours.solarize = c.value("solarize", 0.0);
  colours.solarize_threshold = c.value("solarize_threshold", 128.0);
  return view;
}

json PlanLine(const ViewPlan& view, const ColourPlan& plan) {
  constexpr const char* kNames[] = {"brightness", "contrast", "saturation", "hue"};
  json steps = json::array();
  for (int s = 0; s < plan.step_count; ++s) {
    steps.push_back({kNames[static_cast<int>(plan.steps[s].op)], plan.steps[s].amount});
  }
  const Rect& crop = view.source;
  return {{"crop", {crop.x, crop.y, crop.width, crop.height}},
          {"flip", view.flip},
          {"steps", steps},
          {"grayscale", plan.grayscale},
          {"sigma", plan.sigma},
          {"solarize", plan.solarize}};
}

void View(const Image& image, const json& command) {
  const ViewOptions view = Options(command);
  const int64_t pixels = int64_t{view.size} * view.size;
  Draws crop(command.at("seed").get<uint64_t>(), 0, command.at("n"), view.name);
  const ViewPlan where = PlanView({image.width, image.height}, view, crop);
  Draws draws(command.at("seed").get<uint64_t>(), 0, command.at("n"), view.name + "/colours");
  const ColourPlan plan = DrawColours(view.colours, draws);
  Pixels source{{0, 0, image.width, image.height}, std::vector<uint8_t>(image.words.size() * 4)};
  std::memcpy(source.bytes.data(), image.words.data(), source.bytes.size());
  Words resized(pixels);
  Resizer().Resize(source, where, view.size, view.interpolation,
                   view.colours.style == Style::kTorchvision, resized.data());
  Augmenter augmenter;
  std::vector<float> planes(3 * pixels);
  const Normaliser normaliser(view);
  json line = PlanLine(where, plan);
  const int repeat = command.value("repeat", 1);
  double ns = 0;
  for (int i = 0; i < repeat; ++i) {
    Words words = resized;
    const std::clock_t began = std::clock();
    augmenter.Run(view.colours, plan, normaliser, where.flip, view.size, words.data(),
                  planes.data());
    ns += 1e9 * static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
  }
  line["ns"] = ns / repeat;
  std::vector<uint8_t> rgb(3 * pixels);
  for (int64_t i = 0; i < 3 * pixels; ++i) {
    rgb[i] = static_cast<uint8_t>(std::lround(planes[i % 3 * pixels + i / 3]));
  }
  Write(line, rgb.data(), pixels);
}

int Main(const char* path) {
  std::ifstream in(path, std::ios::binary);
  std::string line;
  std::getline(in, line);
  const json head = json::parse(line);
  Image image{head.at("width"), head.at("height"), {}};
  for (int64_t i = 0; i < int64_t{image.width} * image.height; ++i) {
    char rgb[4] = {};
    in.read(rgb, 3);
    uint32_t word;
    std::memcpy(&word, rgb, 4);
    image.words.push_back(word);
  }
  for (const json& command : head.at("commands")) {
    if (command.at("op") == "view") {
      View(image, command);
    } else {
      Change(image, command);
    }
  }
  return std::cout.flush() ? 0 : 1;
}

}  // namespace
}  // namespace ocellus::data

int main(int argc, char** argv) { return argc == 2 ? ocellus::data::Main(argv[1]) : 2; }
