#include <vector>

#include "kernels/augment_stages.h"
#include "kernels/cpu/vector.h"

namespace ocellus::kernels::cpu {
namespace {

// One view's stages, with its intermediate results.
template <class T>
class ViewMaking {
 public:
  ViewMaking(const AugmentArgs& args, int64_t v)
      : args_(args), v_(v), view_(args.views[v]), size_(args.size), area_(int64_t{size_} * size_) {}

  void Run() {
    Resize();
    ChangeColours();
    view_.radius < 0 ? Finish() : BlurAndFinish();
  }

 private:
  void Resize() {
    std::vector<uint32_t> rows(int64_t{view_.height} * size_);
    const uint32_t* source = args_.pixels + view_.source;
    for (int64_t y = 0; y < view_.height; ++y) {
      for (int32_t x = 0; x < size_; ++x) {
        rows[y * size_ + x] =
            Resampled(source + y * view_.width, 1, args_.tables, view_.across, size_, x);
      }
    }
    pixels_.resize(area_);
    for (int64_t i = 0; i < area_; ++i) {
      const auto y = static_cast<int32_t>(i / size_);
      pixels_[i] = Resampled(rows.data() + i % size_, size_, args_.tables, view_.down, size_, y);
    }
  }

  void ChangeColours() {
    int64_t sum = 0;
    for (uint32_t& word : pixels_) {
      const Pixel pixel = BeforeContrast(view_, Unpacked(word));
      sum += static_cast<int64_t>(LumaOf(pixel));
      word = Packed(pixel);
    }
    const float gray = GrayOf(static_cast<double>(sum), size_);
    for (uint32_t& word : pixels_) word = Packed(FromContrast(view_, gray, Unpacked(word)));
  }

  void Store(int32_t channel, int32_t y, int32_t x, float value) {
    const float out = Finished(args_, view_, channel, value);
    StorePart(static_cast<T*>(args_.out) + OutPlace(args_, v_, channel, y, x), Vec{} + out, 1);
  }

  template <class ValueAt>
  void StorePlane(int32_t channel, const ValueAt& value_at) {
    for (int32_t y = 0; y < size_; ++y) {
      for (int32_t x = 0; x < size_; ++x) Store(channel, y, x, value_at(y, x));
    }
  }

  float ValueAt(int32_t channel, int32_t y, int32_t x) const {
    return Unpacked(pixels_[int64_t{y} * size_ + x]).channel[channel];
  }

  void Finish() {
    for (int32_t c = 0; c < 3; ++c) {
      StorePlane(c, [&](int32_t y, int32_t x) { return ValueAt(c, y, x); });
    }
  }

  void BlurAndFinish() {
    std::vector<float> across(area_);
    for (int32_t c = 0; c < 3; ++c) {
      for (int64_t i = 0; i < area_; ++i) {
        const auto y = static_cast<int32_t>(i / size_), x = static_cast<int32_t>(i % size_);
        across[i] =
            Blurred(view_, args_.weights, x, size_, [&](int32_t at) { return ValueAt(c, y, at); });
      }
      StorePlane(c, [&](int32_t y, int32_t x) {
        return Blurred(view_, args_.weights, y, size_,
                       [&](int32_t at) { return across[int64_t{at} * size_ + x]; });
      });
    }
  }

  const AugmentArgs& args_;
  int64_t v_;
  const AugmentView& view_;
  int32_t size_;
  int64_t area_;
  std::vector<uint32_t> pixels_;
};

}  // namespace

void Augment(const AugmentArgs& args, const ParallelFor& parallel) {
  parallel(args.count, [&](int64_t v) {
    args.type == Element::kBFloat16 ? ViewMaking<BFloat16>(args, v).Run()
                                    : ViewMaking<float>(args, v).Run();
  });
}

}  // namespace ocellus::kernels::cpu
