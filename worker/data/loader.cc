#include "worker/data/loader.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>

#include "worker/data/announcer.h"
#include "worker/data/bad_samples.h"
#include "worker/data/draws.h"
#include "worker/data/sampler.h"
#include "worker/data/view_maker.h"
#include "worker/wire/fault.h"

namespace ocellus::data {
namespace {

constexpr int64_t kReplacements = 1000;  // bad in a row for one place, before we give up

// A micro-batch in the making. Threads fill its samples in any order; it is handed out whole.
struct Slot {
  HostBatch batch;
  int64_t first_position = 0;
  int64_t claimed = 0;  // samples given to threads
  int64_t done = 0;     // samples finished
  std::exception_ptr error;
};

// mutex_ guards slots_, the next batch to open, announcer_, waited_ and stop_; a claimed sample's
// place in a slot belongs to the thread that claimed it. Slots are in order, so batches come out in
// order.
class ThreadedLoader final : public Loader {
 public:
  ThreadedLoader(std::shared_ptr<const Dataset> dataset, LoaderOptions options, int64_t first_step,
                 Allocate allocate, std::function<void(const std::string&)> on_warning);
  ~ThreadedLoader() override;

  HostBatch Next() override;
  double wait_seconds() const override;
  int64_t bad_samples() const override { return bad_.count(); }

 private:
  void Work();
  Slot* ClaimSample(int64_t* row);
  void OpenSlot();
  void AllocateIn(HostBatch* batch) const;
  void FillRow(Slot* slot, int64_t row, ViewMaker* maker);
  Sample MakeSound(Place place, const std::vector<ViewOut>& out, ViewMaker* maker, int64_t* index,
                   std::vector<int64_t>* words);
  bool ReadCaption(const Sample& sample, std::vector<int64_t>* words, std::string* problem) const;

  const std::shared_ptr<const Dataset> dataset_;
  const LoaderOptions options_;
  const Allocate allocate_;
  const Sampler sampler_;
  const int64_t micro_batch_;
  std::vector<PreparedView> views_;
  BadSamples bad_;

  mutable std::mutex mutex_;
  std::condition_variable work_;   // a sample may be claimed, or stop
  std::condition_variable ready_;  // the front slot may be complete
  std::deque<std::unique_ptr<Slot>> slots_;
  int64_t next_step_;
  int64_t next_micro_ = 0;
  Announcer announcer_;
  double waited_ = 0;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

ThreadedLoader::ThreadedLoader(std::shared_ptr<const Dataset> dataset, LoaderOptions options,
                               int64_t first_step, Allocate allocate,
                               std::function<void(const std::string&)> on_warning)
    : dataset_(std::move(dataset)),
      options_(std::move(options)),
      allocate_(std::move(allocate)),
      sampler_(options_.seed, dataset_->size(), options_.global_batch),
      micro_batch_(MicroBatch(options_)),
      bad_(options_.max_bad_samples, std::move(on_warning)),
      next_step_(first_step),
      announcer_(dataset_.get(), &sampler_, options_, first_step) {
  for (const ViewOptions& view : options_.views) views_.emplace_back(view);
  for (int t = 0; t < std::max(1, options_.threads); ++t) threads_.emplace_back([this] { Work(); });
}

ThreadedLoader::~ThreadedLoader() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

HostBatch ThreadedLoader::Next() {
  std::unique_lock lock(mutex_);
  const auto began = std::chrono::steady_clock::now();
  ready_.wait(lock, [this] { return !slots_.empty() && slots_.front()->done == micro_batch_; });
  waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  // A failed batch stays in front: every further call throws the same.
  if (slots_.front()->error) std::rethrow_exception(slots_.front()->error);
  HostBatch batch = std::move(slots_.front()->batch);
  slots_.pop_front();
  work_.notify_all();
  return batch;
}

double ThreadedLoader::wait_seconds() const {
  std::lock_guard lock(mutex_);
  return waited_;
}

void ThreadedLoader::Work() {
  ViewMaker maker;
  for (int64_t row = 0; Slot* slot = ClaimSample(&row);) {
    std::exception_ptr error;
    try {
      FillRow(slot, row, &maker);
    } catch (...) {
      error = std::current_exception();
    }
    std::lock_guard lock(mutex_);
    if (error && !slot->error) slot->error = error;
    if (++slot->done == micro_batch_) ready_.notify_all();
  }
}

// The next sample in order, or null to stop. Waits while `prefetch` batches are complete or
// claimed.
Slot* ThreadedLoader::ClaimSample(int64_t* row) {
  std::unique_lock lock(mutex_);
  const size_t prefetch = static_cast<size_t>(std::max(1, options_.prefetch));
  const auto claimable = [&] {
    return slots_.size() < prefetch || slots_.back()->claimed < micro_batch_;
  };
  work_.wait(lock, [&] { return stop_ || claimable(); });
  if (stop_) return nullptr;
  if (slots_.empty() || slots_.back()->claimed == micro_batch_) OpenSlot();
  Slot* slot = slots_.back().get();
  *row = slot->claimed++;
  announcer_.OnClaim();
  return slot;
}

// With mutex_ held. An allocation that fails is the batch's error, seen by Next.
void ThreadedLoader::OpenSlot() {
  auto slot = std::make_unique<Slot>();
  slot->first_position = FirstPosition(options_, next_step_, next_micro_);
  HostBatch& batch = slot->batch;
  batch.step = next_step_;
  batch.micro = next_micro_;
  batch.positions.resize(micro_batch_);
  batch.samples.resize(micro_batch_);
  batch.labels.resize(micro_batch_);
  batch.captions.resize(micro_batch_);
  try {
    AllocateIn(&batch);
  } catch (...) {
    slot->error = std::current_exception();
  }
  slots_.push_back(std::move(slot));
  if (++next_micro_ < options_.accumulate) return;
  next_micro_ = 0;
  ++next_step_;
}

void ThreadedLoader::AllocateIn(HostBatch* batch) const {
  const auto tensor = [this](std::vector<int64_t> shape) {
    const int64_t values =
        std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
    const auto memory = allocate_(values * sizeof(float));
    return HostTensor{std::move(shape), {memory, reinterpret_cast<float*>(memory.get())}};
  };
  for (const ViewOptions& view : options_.views) {
    if (view.on_device()) {
      batch->undone.emplace(view.name, HostViews(view, micro_batch_, allocate_));
    } else {
      batch->tensors[view.name] = tensor({micro_batch_, 3, view.size, view.size});
    }
  }
  for (const NamedDraw& draw : options_.draws) {
    batch->tensors[draw.name] = tensor({micro_batch_, draw.count});
  }
  for (const NamedText& text : options_.texts) {
    std::shared_ptr<int64_t[]> values(new int64_t[micro_batch_ * text.length]);
    batch->tokens[text.name] = {{micro_batch_, text.length}, std::move(values)};
  }
}

void ThreadedLoader::FillRow(Slot* slot, int64_t row, ViewMaker* maker) {
  HostBatch& batch = slot->batch;
  const int64_t position = slot->first_position + row;
  const Place place = sampler_.At(position);
  batch.positions[row] = position;
  std::vector<ViewOut> out;
  for (const ViewOptions& view : options_.views) {
    if (view.on_device()) {
      out.push_back(HostRow{&batch.undone.at(view.name), row});
    } else {
      const HostTensor& tensor = batch.tensors.at(view.name);
      out.push_back(tensor.values.get() + row * int64_t{3} * view.size * view.size);
    }
  }
  std::vector<int64_t> words;
  Sample sample = MakeSound(place, out, maker, &batch.samples[row], &words);
  batch.labels[row] = sample.label;
  batch.captions[row] = std::move(sample.caption);
  for (const NamedDraw& draw : options_.draws) {
    Draws(options_.seed, place.epoch, place.n, draw.name)
        .Fill(batch.tensors.at(draw.name).values.get() + row * draw.count, draw.count);
  }
  for (const NamedText& text : options_.texts) {
    Tokenizer::Fill(words, text.length,
                    batch.tokens.at(text.name).values.get() + row * text.length);
  }
}

// True when nobody asks for captions.
bool ThreadedLoader::ReadCaption(const Sample& sample, std::vector<int64_t>* words,
                                 std::string* problem) const {
  if (options_.texts.empty()) return true;
  *words = options_.tokenizer->Encode(sample.caption);
  if (!words->empty()) return true;
  *problem = sample.caption.empty() ? "it has no caption (txt, or caption in json), or an empty one"
                                    : "its caption has no words";
  return false;
}

// Tries the place's own sample, then its replacements.
Sample ThreadedLoader::MakeSound(Place place, const std::vector<ViewOut>& out, ViewMaker* maker,
                                 int64_t* index, std::vector<int64_t>* words) {
  for (int64_t attempt = 0; attempt <= kReplacements; ++attempt) {
    *index = attempt == 0 ? sampler_.Index(place) : sampler_.Replacement(place, attempt - 1);
    Sample sample = dataset_->Get(*index);
    std::string problem;
    if (ReadCaption(sample, words, &problem) &&
        maker->Make(sample, dataset_->max_pixels(), views_, options_.seed, place, out, &problem)) {
      return sample;
    }
    bad_.Report(*index, sample.key, problem);
  }
  bad_.GiveUp();
}

}  // namespace

std::unique_ptr<Loader> MakeLoader(std::shared_ptr<const Dataset> dataset, LoaderOptions options,
                                   int64_t first_step, Allocate allocate,
                                   std::function<void(const std::string&)> on_warning) {
  return std::make_unique<ThreadedLoader>(std::move(dataset), std::move(options), first_step,
                                          std::move(allocate), std::move(on_warning));
}

}  // namespace ocellus::data
