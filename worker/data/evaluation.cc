#include "worker/data/evaluation.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <exception>
#include <mutex>
#include <span>
#include <thread>

#include "worker/data/view_maker.h"

namespace ocellus::data {
namespace {

constexpr int64_t kAnnounced = 64;  // samples at a time

// One result an index; image stays null for a bad sample.
struct Loaded {
  std::vector<float> image;
  std::string problem;
  Sample sample;
};

// Runs body(i) for i in [0, count) on `threads` threads; the first exception comes out again.
void ParallelFor(int64_t count, int threads, const std::function<void(int64_t, ViewMaker*)>& body) {
  std::atomic<int64_t> next{0};
  std::exception_ptr error;
  std::mutex mutex;
  const auto work = [&] {
    ViewMaker maker;
    try {
      for (int64_t i; (i = next++) < count;) body(i, &maker);
    } catch (...) {
      next = count;
      std::lock_guard lock(mutex);
      if (!error) error = std::current_exception();
    }
  };
  std::vector<std::thread> pool;
  for (int t = 1; t < std::max(1, threads); ++t) pool.emplace_back(work);
  work();
  for (std::thread& thread : pool) thread.join();
  if (error) std::rethrow_exception(error);
}

}  // namespace

HostBatch LoadViews(const Dataset& dataset, const std::vector<int64_t>& indices, ViewOptions view,
                    int threads, const std::function<void(const std::string&)>& on_warning) {
  view.random = false;
  const std::vector<PreparedView> views{PreparedView(view)};
  const int64_t values = int64_t{3} * view.size * view.size;
  std::vector<Loaded> loaded(indices.size());
  ParallelFor(static_cast<int64_t>(indices.size()), threads, [&](int64_t i, ViewMaker* maker) {
    if (i % kAnnounced == 0) {
      const auto first = static_cast<size_t>(i == 0 ? 0 : i + kAnnounced);
      const size_t count = static_cast<size_t>(i == 0 ? 2 * kAnnounced : kAnnounced);
      if (first < indices.size()) {
        dataset.Expect(std::span(indices).subspan(first, std::min(count, indices.size() - first)));
      }
    }
    Loaded& one = loaded[i];
    one.sample = dataset.Get(indices[i]);
    one.image.resize(values);
    const bool good = maker->Make(one.sample, dataset.max_pixels(), views, 0, {},
                                  {one.image.data()}, &one.problem);
    if (!good) one.image.clear();
    one.sample.image.clear();
  });
  HostBatch batch;
  for (size_t i = 0; i < loaded.size(); ++i) {
    if (loaded[i].image.empty()) {
      if (on_warning)
        on_warning("left out bad sample " + loaded[i].sample.key + ": " + loaded[i].problem);
      continue;
    }
    batch.samples.push_back(indices[i]);
    batch.labels.push_back(loaded[i].sample.label);
    batch.captions.push_back(std::move(loaded[i].sample.caption));
  }
  const int64_t kept = static_cast<int64_t>(batch.samples.size());
  HostTensor images{{kept, 3, view.size, view.size},
                    std::shared_ptr<float[]>(new float[kept * values])};
  float* out = images.values.get();
  for (const Loaded& one : loaded) out = std::copy(one.image.begin(), one.image.end(), out);
  batch.tensors.emplace(view.name, std::move(images));
  return batch;
}

}  // namespace ocellus::data
