// What the host's processor spends on a sample's views, decoding and all, by back end.
//
//   ocellus-bench-views REPEATS IMAGE ...
//
// One thread makes views of 224 of each image, MAE's one and MoCo v3's two, DRAWS of them a repeat,
// by each back end in turn. Prints a line for each: the median of the repeats' CPU milliseconds a
// sample, least and most, and the bytes that go to a device.
#include <malloc.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>

#include "worker/data/view_maker.h"

namespace ocellus::data {
namespace {

constexpr int kDraws = 40;
constexpr int64_t kValues = 3 * 224 * 224;

struct Method {
  const char* name;
  std::vector<ViewOptions> views;
};

std::vector<Method> Methods() {
  ViewOptions mae{.name = "images"};
  ViewOptions first{.name = "view1", .crop_scale = {0.08, 1.0}};
  first.interpolation = Interpolation::kBilinear;
  first.colours = {.color_jitter = 0.8,
                   .brightness = 0.4,
                   .contrast = 0.4,
                   .saturation = 0.2,
                   .hue = 0.1,
                   .grayscale = 0.2,
                   .blur = 1.0};
  ViewOptions second = first;
  second.name = "view2";
  second.colours.blur = 0.1;
  second.colours.solarize = 0.2;
  return {{"mae", {mae}}, {"mocov3", {first, second}}};
}

struct Cost {
  double ms = 0;
  double bytes = 0;
};

// Where the views of `count` samples go, each to its own place as in a batch.
struct Batch {
  Batch(const Method& method, Backend backend, int64_t count) {
    const auto plain = [](size_t bytes) {
      return std::shared_ptr<std::byte[]>(new std::byte[bytes]);
    };
    for (ViewOptions view : method.views) {
      view.colours.backend = backend;
      views.emplace_back(view);
      undone.emplace_back(view, count, plain);
    }
    if (backend != Backend::kDevice) made.resize(kValues * views.size() * count);
  }

  std::vector<ViewOut> Row(int64_t n) {
    std::vector<ViewOut> out;
    for (size_t v = 0; v < views.size(); ++v) {
      if (views[v].options.on_device()) {
        out.push_back(HostRow{&undone[v], n});
      } else {
        out.push_back(made.data() + kValues * (n * views.size() + v));
      }
    }
    return out;
  }

  double bytes() const {
    auto words = static_cast<int64_t>(made.size());
    for (const HostViews& left : undone) {
      for (const auto& piece : left.words->pieces()) words += piece.words;
    }
    return 4.0 * static_cast<double>(words);
  }

  std::vector<PreparedView> views;
  std::vector<HostViews> undone;
  std::vector<float> made;
};

// A sample's, over all draws of all images.
Cost Measure(const std::vector<Sample>& samples, const Method& method, Backend backend) {
  const auto count = static_cast<int64_t>(samples.size()) * kDraws;
  Batch batch(method, backend, count);
  ViewMaker maker;
  const std::clock_t began = std::clock();
  for (int64_t n = 0; n < count; ++n) {
    const Sample& sample = samples[n % samples.size()];
    std::string problem;
    if (maker.Make(sample, 1 << 27, batch.views, 1, {0, n}, batch.Row(n), &problem)) continue;
    std::fprintf(stderr, "%s: %s\n", sample.key.c_str(), problem.c_str());
    std::exit(1);
  }
  const double seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
  return {1e3 * seconds / static_cast<double>(count), batch.bytes() / static_cast<double>(count)};
}

int Main(int repeats, const std::vector<std::string>& paths) {
  // Freed memory stays, as pinned memory does.
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  std::vector<Sample> samples;
  for (const std::string& path : paths) {
    std::ostringstream bytes;
    bytes << std::ifstream(path, std::ios::binary).rdbuf();
    samples.push_back({.key = path, .image = bytes.str()});
  }
  constexpr std::pair<const char*, Backend> kBackends[] = {
      {"reference", Backend::kReference}, {"fast", Backend::kFast}, {"device", Backend::kDevice}};
  for (const Method& method : Methods()) {
    std::vector<Cost> costs[3];
    for (int r = -1; r < repeats; ++r) {  // the first warms up
      for (int b = 0; b < 3; ++b) {
        const Cost cost = Measure(samples, method, kBackends[b].second);
        if (r >= 0) costs[b].push_back(cost);
      }
    }
    for (int b = 0; b < 3; ++b) {
      std::sort(costs[b].begin(), costs[b].end(), [](auto& x, auto& y) { return x.ms < y.ms; });
      std::printf("views method=%s backend=%s ms=%.2f least=%.2f most=%.2f kilobytes=%.0f\n",
                  method.name, kBackends[b].first, costs[b][repeats / 2].ms, costs[b].front().ms,
                  costs[b].back().ms, costs[b][0].bytes / 1e3);
    }
  }
  return 0;
}

}  // namespace
}  // namespace ocellus::data

int main(int argc, char** argv) {
  const int repeats = argc > 2 ? std::atoi(argv[1]) : 0;
  if (repeats < 1) {
    std::fprintf(stderr, "ocellus-bench-views REPEATS IMAGE ...\n");
    return 2;
  }
  return ocellus::data::Main(repeats, {argv + 2, argv + argc});
}
