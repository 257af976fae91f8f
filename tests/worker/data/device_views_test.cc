// Views that the loader leaves to the device: what the kernel makes of them beside the fast back
// end's, and that they belong to (seed, epoch, n) alone as others do.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>

#include "kernels/augment.h"
#include "tests/worker/data/memory_dataset.h"
#include "worker/data/evaluation.h"

namespace ocellus::data {
namespace {

// As values of 0 to 255, so that a difference is one of bytes.
ViewOptions View(const std::string& name, int size) {
  ViewOptions view;
  view.name = name;
  view.size = size;
  view.mean = {0, 0, 0};
  view.std = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f};
  return view;
}

// Every change, on crops of all sizes; whole images, which touch every border, made larger; and
// none at all.
LoaderOptions Options(Backend backend) {
  LoaderOptions options;
  options.seed = 5;
  options.global_batch = 8;
  ViewOptions all = View("all", 17);
  all.crop_scale = {0.01, 1.0};
  all.colours = {.color_jitter = 0.8,
                 .brightness = 0.4,
                 .contrast = 0.4,
                 .saturation = 0.4,
                 .hue = 0.1,
                 .grayscale = 0.2,
                 .blur = 0.5,
                 .solarize = 0.3,
                 .remove_background = 0.5};
  ViewOptions border = View("border", 61);
  border.crop_scale = {1, 1};
  border.interpolation = Interpolation::kBilinear;
  border.colours.blur = 1;
  border.colours.blur_sigma = {3, 9};
  options.views = {all, border, View("plain", 16)};
  for (ViewOptions& view : options.views) view.colours.backend = backend;
  options.draws = {{"noise", 9}};
  return options;
}

std::shared_ptr<MemoryDataset> Pictures(int64_t size) {
  auto dataset = std::make_shared<MemoryDataset>(size);
  for (int i = 0; i < size; i += 2) {
    dataset->masks_[i] = MaskPng(40 + i % 9, 36 + i % 5, [](int x, int y) { return x > y; });
  }
  return dataset;
}

// What a device makes, as one HostTensor would hold it.
std::vector<float> Made(const HostViews& views) {
  std::vector<std::byte> words;
  for (const auto& [memory, count] : views.words->pieces()) {
    words.insert(words.end(), memory.get(), memory.get() + 4 * count);
  }
  const auto count = static_cast<int64_t>(views.records.size());
  const int size = views.options.size;
  std::vector<float> values(count * 3 * size * size);
  kernels::AugmentArgs args{.count = count,
                            .views = views.records.data(),
                            .pixels = reinterpret_cast<const uint32_t*>(words.data()),
                            .tables = reinterpret_cast<const int32_t*>(words.data()),
                            .weights = reinterpret_cast<const float*>(words.data()),
                            .size = size,
                            .out = values.data()};
  std::copy(views.options.mean.begin(), views.options.mean.end(), args.mean);
  std::copy(views.options.std.begin(), views.options.std.end(), args.std);
  kernels::cpu::Augment(args, kernels::Serially);
  return values;
}

std::vector<float> Values(const HostTensor& tensor) {
  int64_t count = 1;
  for (const int64_t length : tensor.shape) count *= length;
  return {tensor.values.get(), tensor.values.get() + count};
}

// All of a batch but the views.
void ExpectSameSamples(const HostBatch& a, const HostBatch& b) {
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.micro, b.micro);
  EXPECT_EQ(a.positions, b.positions);
  EXPECT_EQ(a.samples, b.samples);
  EXPECT_EQ(a.labels, b.labels);
  EXPECT_EQ(a.captions, b.captions);
  EXPECT_EQ(Values(a.tensors.at("noise")), Values(b.tensors.at("noise")));
}

// Returns how far the views are off on average.
double ExpectSameViews(const HostViews& undone, const HostTensor& fast) {
  const std::vector<float> got = Made(undone), want = Values(fast);
  double worst = 0, sum = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const double off = std::abs(got.at(i) - want[i]);
    worst = std::max(worst, off);
    sum += off;
  }
  EXPECT_EQ(got.size(), want.size());
  EXPECT_LT(worst, 1.01);
  return sum / static_cast<double>(want.size());
}

TEST(DeviceViews, AreTheFastBackEnds) {
  for (const int64_t accumulate : {1, 2}) {
    LoaderOptions options = Options(Backend::kFast);
    options.accumulate = accumulate;
    const auto fast = MakeLoader(Pictures(30), options, 0, AllocatePlain, nullptr);
    for (ViewOptions& view : options.views) view.colours.backend = Backend::kDevice;
    const auto device = MakeLoader(Pictures(30), options, 0, AllocatePlain, nullptr);
    std::map<std::string, double> off;
    for (int i = 0; i < 12; ++i) {
      const HostBatch want = fast->Next(), got = device->Next();
      ExpectSameSamples(got, want);
      ASSERT_EQ(got.undone.size(), 3u);
      EXPECT_EQ(got.tensors.size(), 1u);
      for (const auto& [name, views] : got.undone) {
        off[name] += ExpectSameViews(views, want.tensors.at(name)) / 12;
      }
    }
    // A product that rounds otherwise may turn a byte into its neighbour, here and there.
    EXPECT_LT(off["all"], 0.05);
    EXPECT_LT(off["border"], 1e-3);
    EXPECT_LT(off["plain"], 1e-4);
  }
}

// One rank's rows of steps [first, last), each with all that belongs to it, by position.
using Rows = std::map<int64_t, std::string>;

Rows RowsOf(std::shared_ptr<const Dataset> dataset, LoaderOptions options, int64_t first,
            int64_t last) {
  Rows rows;
  ForEachBatch(dataset, options, first, last, [&](const HostBatch& batch, int64_t) {
    for (const auto& [name, views] : batch.undone) {
      const std::vector<float> values = Made(views);
      const size_t each = values.size() / batch.positions.size();
      for (size_t row = 0; row < batch.positions.size(); ++row) {
        std::string& bytes = rows[batch.positions[row]];
        bytes += std::to_string(batch.samples[row]) + name;
        bytes.append(reinterpret_cast<const char*>(values.data() + row * each), 4 * each);
      }
    }
  });
  return rows;
}

TEST(DeviceViews, ThreadsRanksAndMicroBatchesChangeNoBit) {
  LoaderOptions options = Options(Backend::kDevice);
  options.threads = 1;
  const Rows reference = RowsOf(Pictures(30), options, 0, 5);  // over two epochs
  ASSERT_EQ(reference.size(), 40u);
  EXPECT_NE(reference.at(0), reference.at(1));
  for (const int threads : {1, 2, 4}) {
    for (const int world : {1, 2}) {
      for (const int accumulate : {1, 2}) {
        options.threads = options.prefetch = threads;
        options.world = world;
        options.accumulate = accumulate;
        EXPECT_TRUE(RowsOf(Pictures(30), options, 0, 5) == reference)
            << threads << " threads, " << world << " ranks, " << accumulate << " micro-batches";
      }
    }
  }
}

TEST(DeviceViews, ARestartGoesOnWhereItWas) {
  const LoaderOptions options = Options(Backend::kDevice);
  const Rows whole = RowsOf(Pictures(30), options, 0, 8);
  Rows parts = RowsOf(Pictures(30), options, 0, 3);
  parts.merge(RowsOf(Pictures(30), options, 3, 8));
  EXPECT_TRUE(parts == whole);
}

TEST(DeviceViews, BadSamplesAreReplacedAsElsewhere) {
  const auto dataset = WithBadSamples();
  dataset->masks_[5] = "no picture";
  const auto fast = MakeLoader(dataset, Options(Backend::kFast), 0, AllocatePlain, nullptr);
  const auto device = MakeLoader(dataset, Options(Backend::kDevice), 0, AllocatePlain, nullptr);
  for (int i = 0; i < 9; ++i) {  // three epochs
    const HostBatch want = fast->Next(), got = device->Next();
    ExpectSameSamples(got, want);
    for (const auto& [name, views] : got.undone) ExpectSameViews(views, want.tensors.at(name));
  }
  EXPECT_EQ(device->bad_samples(), 5);
}

TEST(DeviceViews, OnlyRandomViewsOfThatBackEndAreLeftUndone) {
  LoaderOptions options = Options(Backend::kDevice);
  options.views[0].colours.backend = Backend::kFast;
  options.views[1].random = false;
  const HostBatch batch = MakeLoader(Pictures(30), options, 0, AllocatePlain, nullptr)->Next();
  EXPECT_TRUE(batch.undone.size() == 1 && batch.undone.contains("plain"));
  EXPECT_EQ(batch.tensors.size(), 3u);

  ViewOptions view = View("images", 16);
  const HostBatch reference = LoadViews(*Pictures(9), {2, 5}, view, 1, nullptr);
  view.colours.backend = Backend::kDevice;
  const HostBatch same = LoadViews(*Pictures(9), {2, 5}, view, 1, nullptr);
  EXPECT_EQ(Values(same.tensors.at("images")), Values(reference.tensors.at("images")));
}

TEST(DeviceViews, MemoryIsWhatTheCropsNeedAndIsGivenBack) {
  std::atomic<int64_t> live{0};
  const auto counted = [&](size_t bytes) {
    live += static_cast<int64_t>(bytes);
    return std::shared_ptr<std::byte[]>(new std::byte[bytes], [&live, bytes](std::byte* memory) {
      live -= static_cast<int64_t>(bytes);
      delete[] memory;
    });
  };
  LoaderOptions options = Options(Backend::kDevice);
  options.views = {View("images", 16)};
  options.views[0].colours.backend = Backend::kDevice;
  options.draws.clear();
  HostBatch batch = MakeLoader(Pictures(30), options, 0, counted, nullptr)->Next();
  const HostViews& views = batch.undone.at("images");
  int64_t used = 0;
  for (const auto& piece : views.words->pieces()) used += 4 * piece.words;
  EXPECT_GT(views.words->pieces().size(), 1u);
  EXPECT_LE(used, live);
  EXPECT_LE(live, 2 * used);
  EXPECT_EQ(Made(views).size(), 8 * 3 * 16 * 16u);  // after the loader is gone
  batch = {};
  EXPECT_EQ(live, 0);
}

TEST(DeviceViews, AnAllocationThatFailsReachesTheCaller) {
  const auto fails = [](size_t) -> std::shared_ptr<std::byte[]> { throw std::bad_alloc(); };
  LoaderOptions options = Options(Backend::kDevice);
  options.draws.clear();
  const auto loader = MakeLoader(Pictures(30), options, 0, fails, nullptr);
  EXPECT_THROW(loader->Next(), std::bad_alloc);
}

}  // namespace
}  // namespace ocellus::data
