#include "worker/data/loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>

#include "tests/worker/data/memory_dataset.h"
#include "worker/data/evaluation.h"

namespace ocellus::data {
namespace {

LoaderOptions Options() {
  LoaderOptions options;
  options.seed = 5;
  options.global_batch = 8;
  ViewOptions view;
  view.name = "images";
  view.size = 16;
  options.views = {view};
  view.name = "view2";
  view.size = 8;
  options.views.push_back(view);
  options.draws = {{"noise", 9}};
  return options;
}

// One rank's rows of steps [first, last), each with all that belongs to it, by position.
using Rows = std::map<int64_t, std::string>;

void Collect(const HostBatch& batch, Rows* rows) {
  for (size_t i = 0; i < batch.positions.size(); ++i) {
    std::string row = std::to_string(batch.step) + " " + std::to_string(batch.samples[i]) + " " +
                      std::to_string(batch.labels[i]) + " " + batch.captions[i];
    for (const auto& [name, tensor] : batch.tensors) {
      int64_t values = 1;
      for (size_t d = 1; d < tensor.shape.size(); ++d) values *= tensor.shape[d];
      row += name;
      row.append(reinterpret_cast<const char*>(tensor.values.get() + i * values),
                 values * sizeof(float));
    }
    EXPECT_TRUE(rows->emplace(batch.positions[i], row).second) << "a position twice";
  }
}

Rows RowsOf(std::shared_ptr<const Dataset> dataset, LoaderOptions options, int64_t first,
            int64_t last) {
  Rows rows;
  ForEachBatch(dataset, options, first, last, [&](const HostBatch& batch, int64_t i) {
    EXPECT_EQ(batch.step, first + i / options.accumulate);
    EXPECT_EQ(batch.micro, i % options.accumulate);
    EXPECT_EQ(batch.tensors.at("images").shape,
              (std::vector<int64_t>{static_cast<int64_t>(batch.samples.size()), 3, 16, 16}));
    Collect(batch, &rows);
  });
  return rows;
}

TEST(LoaderTest, ThreadsRanksAndMicroBatchesChangeNothing) {
  const auto dataset = std::make_shared<MemoryDataset>(30);
  LoaderOptions options = Options();
  options.threads = 1;
  const Rows reference = RowsOf(dataset, options, 0, 7);  // over two epochs
  ASSERT_EQ(reference.size(), 56u);
  for (const int threads : {1, 2, 4}) {
    for (const int world : {1, 2}) {
      for (const int accumulate : {1, 2}) {
        options.threads = threads;
        options.world = world;
        options.accumulate = accumulate;
        options.prefetch = threads;
        EXPECT_TRUE(RowsOf(dataset, options, 0, 7) == reference)
            << threads << " threads, " << world << " ranks, " << accumulate << " micro-batches";
      }
    }
  }
}

TEST(LoaderTest, ThreadsAndRanksChangeNoColours) {
  const auto dataset = std::make_shared<MemoryDataset>(30);
  LoaderOptions options = Options();
  ColourOptions colours;
  colours.color_jitter = colours.brightness = colours.contrast = colours.saturation = 0.8;
  colours.hue = 0.1;
  colours.grayscale = colours.blur = colours.solarize = 0.5;
  const Rows plain = RowsOf(dataset, options, 0, 2);
  for (const auto& [style, backend] : {std::pair{Style::kTorchvision, Backend::kReference},
                                       {Style::kTorchvision, Backend::kFast},
                                       {Style::kByol, Backend::kReference}}) {
    colours.style = style;
    colours.backend = backend;
    for (ViewOptions& view : options.views) view.colours = colours;
    options.threads = options.world = 1;
    const Rows reference = RowsOf(dataset, options, 0, 4);
    EXPECT_NE(reference.at(3), plain.at(3));
    for (const int threads : {1, 2, 4}) {
      for (const int world : {1, 2}) {
        options.threads = threads;
        options.world = world;
        EXPECT_TRUE(RowsOf(dataset, options, 0, 4) == reference)
            << threads << " threads, " << world << " ranks";
      }
    }
  }
}

TEST(LoaderTest, ARestartGoesOnWhereItWas) {
  const auto dataset = std::make_shared<MemoryDataset>(30);
  const Rows whole = RowsOf(dataset, Options(), 0, 8);
  Rows parts = RowsOf(dataset, Options(), 0, 3);
  parts.merge(RowsOf(dataset, Options(), 3, 8));
  EXPECT_TRUE(parts == whole);
}

TEST(LoaderTest, AnEpochSeesEachSampleOnce) {
  const auto dataset = std::make_shared<MemoryDataset>(32);
  const auto loader = MakeLoader(dataset, Options(), 0, AllocatePlain, nullptr);
  std::vector<int64_t> seen;
  for (int i = 0; i < 4; ++i) {
    const HostBatch batch = loader->Next();
    seen.insert(seen.end(), batch.samples.begin(), batch.samples.end());
    EXPECT_EQ(batch.labels, batch.samples);
  }
  std::sort(seen.begin(), seen.end());
  for (int64_t i = 0; i < 32; ++i) EXPECT_EQ(seen[i], i);
}

TEST(LoaderTest, SeedsGiveOtherBatches) {
  const auto dataset = std::make_shared<MemoryDataset>(30);
  LoaderOptions options = Options();
  const Rows a = RowsOf(dataset, options, 0, 1);
  options.seed = 6;
  EXPECT_FALSE(RowsOf(dataset, options, 0, 1) == a);
}

TEST(LoaderTest, BadSamplesAreReplacedCountedAndNamedOnce) {
  const auto dataset = WithBadSamples();
  Rows reference;
  for (const int threads : {1, 4}) {
    std::mutex mutex;
    std::vector<std::string> warnings;
    LoaderOptions options = Options();
    options.threads = threads;
    options.max_bad_samples = 4;
    const auto loader =
        MakeLoader(dataset, options, 0, AllocatePlain, [&](const std::string& line) {
          std::lock_guard lock(mutex);
          warnings.push_back(line);
        });
    Rows rows;
    for (int i = 0; i < 9; ++i) {  // three epochs
      const HostBatch batch = loader->Next();
      for (const int64_t sample : batch.samples) {
        EXPECT_TRUE(sample != 3 && sample != 7 && sample != 11 && sample != 13) << sample;
      }
      EXPECT_EQ(batch.labels, batch.samples) << "a replacement brings its own label";
      Collect(batch, &rows);
    }
    EXPECT_EQ(loader->bad_samples(), 4);
    std::lock_guard lock(mutex);
    std::sort(warnings.begin(), warnings.end());
    ASSERT_EQ(warnings.size(), 4u);
    EXPECT_EQ(warnings[0], "skipped bad sample m:11: neither JPEG nor PNG");
    EXPECT_EQ(warnings[1],
              "skipped bad sample m:13: 32767 x 32767 = 1073676289 pixels, over the limit of "
              "89478485 (data.max_pixels)");
    EXPECT_EQ(warnings[2], "skipped bad sample m:3: empty file (0 bytes)");
    EXPECT_TRUE(warnings[3].starts_with("skipped bad sample m:7: damaged JPEG")) << warnings[3];
    if (reference.empty()) reference = rows;
    EXPECT_TRUE(rows == reference);
  }
}

TEST(LoaderTest, TooManyBadSamplesEndTheRunWithTheirNames) {
  LoaderOptions options = Options();
  options.max_bad_samples = 3;
  const auto loader = MakeLoader(WithBadSamples(), options, 0, AllocatePlain, nullptr);
  const std::string message = MessageOf("TOO_MANY_BAD_SAMPLES", [&] {
    for (int i = 0; i < 9; ++i) loader->Next();
  });
  EXPECT_TRUE(message.starts_with("4 bad samples (data.max_bad_samples: 3); the last: m:"))
      << message;
  EXPECT_NE(message.find("m:11: neither JPEG nor PNG"), std::string::npos) << message;
  MessageOf("TOO_MANY_BAD_SAMPLES", [&] { loader->Next(); });
}

TEST(LoaderTest, ASetOfBadSamplesAloneEnds) {
  auto dataset = std::make_shared<MemoryDataset>(8);
  for (std::string& image : dataset->images_) image = "";
  const auto loader = MakeLoader(dataset, Options(), 0, AllocatePlain, nullptr);
  MessageOf("TOO_MANY_BAD_SAMPLES", [&] { loader->Next(); });
}

TEST(LoaderTest, StorageFaultsReachTheCaller) {
  auto dataset = std::make_shared<MemoryDataset>(16);
  dataset->fails_at = 2;
  const auto loader = MakeLoader(dataset, Options(), 0, AllocatePlain, nullptr);
  EXPECT_EQ(MessageOf("DATA_UNREADABLE",
                      [&] {
                        for (int i = 0; i < 2; ++i) loader->Next();
                      }),
            "gone");
}

TEST(LoaderTest, AFailedAllocationReachesTheCaller) {
  const auto dataset = std::make_shared<MemoryDataset>(16);
  const auto loader = MakeLoader(
      dataset, Options(), 0, [](size_t) -> std::shared_ptr<std::byte[]> { throw std::bad_alloc(); },
      nullptr);
  EXPECT_THROW(loader->Next(), std::bad_alloc);
}

TEST(LoaderTest, PrefetchIsBoundedAndStopsCleanly) {
  const auto dataset = std::make_shared<MemoryDataset>(64);
  LoaderOptions options = Options();
  options.prefetch = 2;
  options.views.resize(1);
  options.draws.clear();
  std::atomic<int> live{0};
  std::atomic<int> most{0};
  const auto counted = [&](size_t bytes) {
    most = std::max(most.load(), ++live);
    return std::shared_ptr<std::byte[]>(new std::byte[bytes], [&](std::byte* values) {
      --live;
      delete[] values;
    });
  };
  for (int run = 0; run < 20; ++run) {
    const auto loader = MakeLoader(dataset, options, run, counted, nullptr);
    for (int i = 0; i < run % 3; ++i) loader->Next();  // destroyed with work under way
  }
  EXPECT_EQ(live, 0);
  EXPECT_LE(most, 3);  // two ahead and the one that Next moves out
}

TEST(LoaderTest, WaitingIsMeasured) {
  const auto dataset = std::make_shared<MemoryDataset>(16);
  const auto loader = MakeLoader(dataset, Options(), 0, AllocatePlain, nullptr);
  loader->Next();
  EXPECT_GT(loader->wait_seconds(), 0);
}

TEST(LoadViewsTest, KeepsOrderAndLeavesBadSamplesOut) {
  const auto dataset = WithBadSamples();
  ViewOptions view;
  view.name = "images";
  view.size = 16;
  std::vector<std::string> warnings;
  const auto warn = [&](const std::string& line) { warnings.push_back(line); };
  const HostBatch one = LoadViews(*dataset, {5, 3, 2, 9}, view, 1, warn);
  EXPECT_EQ(one.samples, (std::vector<int64_t>{5, 2, 9}));
  EXPECT_EQ(one.labels, one.samples);
  EXPECT_EQ(one.tensors.at("images").shape, (std::vector<int64_t>{3, 3, 16, 16}));
  EXPECT_EQ(warnings, (std::vector<std::string>{"left out bad sample m:3: empty file (0 bytes)"}));
  const HostBatch many = LoadViews(*dataset, {5, 3, 2, 9}, view, 4, nullptr);
  EXPECT_EQ(std::memcmp(one.tensors.at("images").values.get(),
                        many.tensors.at("images").values.get(), 9 * 16 * 16 * sizeof(float)),
            0);
}

TEST(LoadViewsTest, StorageFaultsReachTheCaller) {
  auto dataset = std::make_shared<MemoryDataset>(8);
  dataset->fails_at = 2;
  ViewOptions view;
  view.size = 8;
  MessageOf("DATA_UNREADABLE", [&] { LoadViews(*dataset, {0, 1, 2, 3}, view, 2, nullptr); });
}

}  // namespace
}  // namespace ocellus::data
