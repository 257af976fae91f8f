// Batches of views with random crops, tables, steps and blurs for the tests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "kernels/augment.h"
#include "tests/kernels/arrays.h"

namespace ocellus::kernels {

struct AugmentCase {
  std::vector<AugmentView> views;
  std::vector<uint32_t> pixels;
  std::vector<int32_t> tables;
  std::vector<float> weights;
  int32_t size = 0;
  int32_t height_max = 0;

  int64_t Numbers() const { return static_cast<int64_t>(views.size()) * 3 * size * size; }

  AugmentArgs Args(Array& out, uint32_t* scratch) const {
    return {.count = static_cast<int64_t>(views.size()),
            .views = views.data(),
            .pixels = pixels.data(),
            .tables = tables.data(),
            .weights = weights.data(),
            .size = size,
            .mean = {0.485f, 0.456f, 0.406f},
            .std = {0.229f, 0.224f, 0.225f},
            .out = out.data(),
            .type = out.type(),
            .scratch = scratch,
            .height_max = height_max};
  }
};

class AugmentCaseMaker {
 public:
  AugmentCaseMaker(int32_t size, uint32_t seed) : random_(seed) { case_.size = size; }

  // A crop with every change that `number`'s bits ask for.
  void Add(int32_t width, int32_t height, int number) {
    AugmentView view{
        .source = static_cast<int64_t>(case_.pixels.size()), .width = width, .height = height};
    for (int64_t i = 0; i < int64_t{width} * height; ++i) {
      case_.pixels.push_back(static_cast<uint32_t>(random_()));
    }
    view.across = Axis(width);
    view.down = Axis(height);
    view.step_count = number % 5;
    std::vector<ColourChange> changes = {ColourChange::kBrightness, ColourChange::kContrast,
                                         ColourChange::kSaturation, ColourChange::kHue};
    std::shuffle(changes.begin(), changes.end(), random_);
    for (int32_t s = 0; s < view.step_count; ++s) {
      const bool hue = changes[s] == ColourChange::kHue;
      view.steps[s] = {changes[s], hue ? Between(-0.5f, 0.5f) : Between(0.2f, 1.8f)};
    }
    view.grayscale = (number & 1) != 0;
    view.flip = (number & 2) != 0;
    if ((number & 4) != 0) view.solarize = 128;
    if ((number & 8) != 0) AddBlur(view, number % 4);
    case_.height_max = std::max(case_.height_max, height);
    case_.views.push_back(view);
  }

  AugmentCase Take() { return std::move(case_); }

 private:
  float Between(float low, float high) {
    return std::uniform_real_distribution<float>(low, high)(random_);
  }

  // Weights of 2^22 in all, one of them below 0, where there is more than one sample.
  AugmentAxis Axis(int32_t in) {
    const int32_t taps = std::min(in, 5), size = case_.size;
    const AugmentAxis axis{static_cast<int64_t>(case_.tables.size()), taps};
    std::vector<int32_t> first, count, weight;
    for (int32_t i = 0; i < size; ++i) {
      count.push_back(1 + static_cast<int32_t>(random_() % taps));
      first.push_back(static_cast<int32_t>(random_() % (in - count[i] + 1)));
      int32_t left = 1 << 22;
      for (int32_t t = 0; t < taps; ++t) {
        const bool last = t + 1 == count[i];
        weight.push_back(t >= count[i] ? 0
                         : last        ? left
                                       : static_cast<int32_t>(random_() % left) - 9);
        left -= weight.back();
      }
    }
    for (const auto* part : {&first, &count, &weight}) {
      case_.tables.insert(case_.tables.end(), part->begin(), part->end());
    }
    return axis;
  }

  void AddBlur(AugmentView& view, int32_t radius) {
    view.radius = radius;
    view.blur = static_cast<int64_t>(case_.weights.size());
    for (int32_t t = 0; t <= radius; ++t) {
      case_.weights.push_back(1.0f / static_cast<float>(2 * radius + 1));
    }
  }

  std::mt19937 random_;
  AugmentCase case_;
};

// One pixel, odd sizes, single rows and columns, more than the result and less.
inline std::vector<AugmentCase> AugmentCases() {
  std::vector<AugmentCase> cases;
  for (const int32_t size : {1, 3, 10}) {
    AugmentCaseMaker maker(size, static_cast<uint32_t>(size));
    maker.Add(1, 1, 15);
    maker.Add(13, 1, 4);
    maker.Add(1, 7, 9);
    for (int number = 0; number < 16; number += size == 10 ? 5 : 2) {
      maker.Add(5 + number, 21 - number, number);
    }
    cases.push_back(maker.Take());
  }
  cases.push_back(AugmentCaseMaker(4, 9).Take());  // no view
  return cases;
}

}  // namespace ocellus::kernels
