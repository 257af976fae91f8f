#include "worker/data/augment/float_blur.h"

#include <algorithm>
#include <cmath>

#include "worker/data/augment/box_blur.h"

namespace ocellus::data {
namespace {

constexpr int kLanes = 64;  // values summed at once, in registers

// out[i] = sum of kernel[t] * (middle[i - t * step] + middle[i + t * step]) for i < count.
void Convolve(const float* middle, int64_t step, const HalfKernel& kernel, int count, float* out) {
  const int radius = static_cast<int>(kernel.size()) - 1;
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    float sum[kLanes];
    for (int lane = 0; lane < kLanes; ++lane) sum[lane] = kernel[0] * middle[i + lane];
    for (int t = 1; t <= radius; ++t) {
      const float weight = kernel[t];
      const float* left = middle + i - t * step;
      const float* right = middle + i + t * step;
      for (int lane = 0; lane < kLanes; ++lane) sum[lane] += weight * (left[lane] + right[lane]);
    }
    for (int lane = 0; lane < kLanes; ++lane) out[i + lane] = sum[lane];
  }
  for (; i < count; ++i) {
    float sum = kernel[0] * middle[i];
    for (int t = 1; t <= radius; ++t) {
      sum += kernel[t] * (middle[i - t * step] + middle[i + t * step]);
    }
    out[i] = sum;
  }
}

std::vector<double> Convolved(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out(a.size() + b.size() - 1, 0.0);
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t k = 0; k < b.size(); ++k) out[i + k] += a[i] * b[k];
  }
  return out;
}

}  // namespace

HalfKernel GaussianKernel(double sigma, int radius) {
  std::vector<double> weights;
  double total = 0;
  for (int t = 0; t <= radius; ++t) {
    weights.push_back(std::exp(-t * t / (2 * sigma * sigma)));
    total += t == 0 ? weights.back() : 2 * weights.back();
  }
  HalfKernel kernel;
  for (const double weight : weights) kernel.push_back(static_cast<float>(weight / total));
  return kernel;
}

HalfKernel BoxKernel(float sigma) {
  const double radius = BoxRadius(sigma);
  const int whole = static_cast<int>(radius);
  const double weight = 1 / (2 * radius + 1);
  std::vector<double> box(2 * whole + 3, weight);
  box.front() = box.back() = (1 - (2 * whole + 1) * weight) / 2;
  const std::vector<double> thrice = Convolved(Convolved(box, box), box);
  return HalfKernel(thrice.begin() + thrice.size() / 2, thrice.end());
}

void FloatBlur::Run(const Planes& planes, int size, const HalfKernel& kernel, Outside outside) {
  const int radius = static_cast<int>(kernel.size()) - 1;
  const bool edge = outside == Outside::kEdge;
  line_.assign(size + 2 * radius, 0);
  rows_.assign(static_cast<size_t>(size + 2 * radius) * size, 0);
  float* middle = rows_.data() + int64_t{radius} * size;
  for (float* plane : planes.channel) {
    for (int y = 0; y < size; ++y) {
      const float* row = plane + int64_t{y} * size;
      std::copy(row, row + size, line_.begin() + radius);
      if (edge) {
        std::fill(line_.begin(), line_.begin() + radius, row[0]);
        std::fill(line_.end() - radius, line_.end(), row[size - 1]);
      }
      Convolve(line_.data() + radius, 1, kernel, size, middle + int64_t{y} * size);
    }
    const float* last = middle + int64_t{size - 1} * size;
    for (int y = 0; edge && y < radius; ++y) {
      std::copy(middle, middle + size, rows_.data() + int64_t{y} * size);
      std::copy(last, last + size, rows_.data() + int64_t{radius + size + y} * size);
    }
    for (int y = 0; y < size; ++y) {
      Convolve(middle + int64_t{y} * size, size, kernel, size, plane + int64_t{y} * size);
    }
  }
}

}  // namespace ocellus::data
