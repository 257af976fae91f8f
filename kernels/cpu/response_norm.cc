#include "kernels/response_norm.h"

#include <algorithm>
#include <cmath>

#include "kernels/cpu/vector.h"

namespace ocellus::kernels::cpu {
namespace {

// Channels of one image that are summed together: their sums stay in registers.
constexpr int64_t kVecs = 4;
constexpr int64_t kBlock = kVecs * kLanes;

// Calls body(block's first channel, channels of it) for all blocks.
template <class Body>
void ForEachBlock(int64_t channels, const Body& body) {
  for (int64_t c = 0; c < channels; c += kBlock) body(c, std::min(kBlock, channels - c));
}

// add(vec of the block, offset into the image, channels of the vec) for all positions.
template <class Add>
void SumBlock(const ResponseShape& shape, int64_t first, int64_t count, const Add& add) {
  for (int64_t p = 0; p < shape.positions; ++p) {
    const int64_t at = p * shape.channels + first;
    for (int64_t v = 0; v * kLanes < count; ++v) add(v, at + v * kLanes, count - v * kLanes);
  }
}

template <class T>
void ForwardImage(const ResponseNormForwardArgs& args, int64_t n) {
  const ResponseShape& shape = args.shape;
  const T* x = static_cast<const T*>(args.x) + n * shape.positions * shape.channels;
  T* y = static_cast<T*>(args.y) + n * shape.positions * shape.channels;
  float* length = args.length + n * shape.channels;
  double total = 0;
  ForEachBlock(shape.channels, [&](int64_t first, int64_t count) {
    Vec squares[kVecs] = {};
    SumBlock(shape, first, count, [&](int64_t v, int64_t at, int64_t left) {
      const Vec value = LoadPart(x + at, left);
      squares[v] += value * value;
    });
    for (int64_t v = 0; v * kLanes < count; ++v) {
      Vec root;
      for (int64_t k = 0; k < kLanes; ++k) root[k] = std::sqrt(squares[v][k]);
      StorePart(length + first + v * kLanes, root, count - v * kLanes);
      total += Sum(KeepFirst(root, count - v * kLanes));
    }
  });
  const float mean = static_cast<float>(total / static_cast<double>(shape.channels)) + shape.eps;
  args.mean[n] = mean;
  ForEachBlock(shape.channels, [&](int64_t first, int64_t count) {
    Vec scale[kVecs], shift[kVecs];
    for (int64_t v = 0; v * kLanes < count; ++v) {
      const int64_t c = first + v * kLanes, left = count - v * kLanes;
      scale[v] = LoadPart(args.gamma + c, left) * (LoadPart(length + c, left) / mean) + 1.0f;
      shift[v] = LoadPart(args.beta + c, left);
    }
    SumBlock(shape, first, count, [&](int64_t v, int64_t at, int64_t left) {
      StorePart(y + at, LoadPart(x + at, left) * scale[v] + shift[v], left);
    });
  });
}

// An image's sums over positions of d_y x and of d_y.
template <class T>
void ImageSums(const ResponseNormBackwardArgs& args, int64_t n, float* of_product, float* of_d_y) {
  const ResponseShape& shape = args.shape;
  const int64_t begin = n * shape.positions * shape.channels;
  const T *x = static_cast<const T*>(args.x) + begin,
          *d_y = static_cast<const T*>(args.d_y) + begin;
  ForEachBlock(shape.channels, [&](int64_t first, int64_t count) {
    Vec products[kVecs] = {}, plain[kVecs] = {};
    SumBlock(shape, first, count, [&](int64_t v, int64_t at, int64_t left) {
      const Vec gradient = LoadPart(d_y + at, left);
      products[v] += gradient * LoadPart(x + at, left);
      plain[v] += gradient;
    });
    for (int64_t v = 0; v * kLanes < count; ++v) {
      const int64_t c = first + v * kLanes, left = count - v * kLanes;
      StorePart(of_product + c, products[v], left);
      StorePart(of_d_y + c, plain[v], left);
    }
  });
}

template <class T>
void BackwardImage(const ResponseNormBackwardArgs& args, int64_t n) {
  const ResponseShape& shape = args.shape;
  const int64_t begin = n * shape.positions * shape.channels;
  const T *x = static_cast<const T*>(args.x) + begin,
          *d_y = static_cast<const T*>(args.d_y) + begin;
  T* d_x = static_cast<T*>(args.d_x) + begin;
  const float* length = args.length + n * shape.channels;
  float* of_product = args.scratch + 2 * n * shape.channels;
  ImageSums<T>(args, n, of_product, of_product + shape.channels);

  // Through the mean, every channel's length has a part in every other's response.
  const float mean = args.mean[n];
  double shared = 0;
  for (int64_t c = 0; c < shape.channels; c += kLanes) {
    const int64_t left = shape.channels - c;
    shared += Sum(KeepFirst(LoadPart(args.gamma + c, left) * LoadPart(of_product + c, left) *
                                LoadPart(length + c, left),
                            left));
  }
  const float through_mean =
      static_cast<float>(shared / (double{mean} * mean * static_cast<double>(shape.channels)));
  ForEachBlock(shape.channels, [&](int64_t first, int64_t count) {
    Vec of_d_y[kVecs], of_x[kVecs];
    for (int64_t v = 0; v * kLanes < count; ++v) {
      const int64_t c = first + v * kLanes, left = count - v * kLanes;
      const Vec gamma = LoadPart(args.gamma + c, left), own = LoadPart(length + c, left);
      const Vec d_length = gamma * LoadPart(of_product + c, left) / mean - through_mean;
      of_d_y[v] = gamma * (own / mean) + 1.0f;
      of_x[v] = own > 0.0f ? d_length / own : Vec{};
    }
    SumBlock(shape, first, count, [&](int64_t v, int64_t at, int64_t left) {
      StorePart(d_x + at, LoadPart(d_y + at, left) * of_d_y[v] + LoadPart(x + at, left) * of_x[v],
                left);
    });
  });
}

// Sixteen channels of the parameters' gradients, over images in order.
void ParameterGradients(const ResponseNormBackwardArgs& args, int64_t c) {
  const int64_t channels = args.shape.channels, left = channels - c;
  Vec d_gamma{}, d_beta{};
  for (int64_t n = 0; n < args.shape.images; ++n) {
    const float* sums = args.scratch + 2 * n * channels + c;
    d_gamma +=
        LoadPart(sums, left) * (LoadPart(args.length + n * channels + c, left) / args.mean[n]);
    d_beta += LoadPart(sums + channels, left);
  }
  StorePart(args.d_gamma + c, d_gamma, left);
  StorePart(args.d_beta + c, d_beta, left);
}

}  // namespace

void ResponseNormForward(const ResponseNormForwardArgs& args, const ParallelFor& parallel) {
  const bool bf16 = args.shape.type == Element::kBFloat16;
  parallel(args.shape.images, [&](int64_t n) {
    bf16 ? ForwardImage<BFloat16>(args, n) : ForwardImage<float>(args, n);
  });
}

void ResponseNormBackward(const ResponseNormBackwardArgs& args, const ParallelFor& parallel) {
  const bool bf16 = args.shape.type == Element::kBFloat16;
  parallel(args.shape.images, [&](int64_t n) {
    bf16 ? BackwardImage<BFloat16>(args, n) : BackwardImage<float>(args, n);
  });
  parallel((args.shape.channels + kLanes - 1) / kLanes,
           [&](int64_t block) { ParameterGradients(args, block * kLanes); });
}

}  // namespace ocellus::kernels::cpu
