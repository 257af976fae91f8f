// A blur by one symmetric kernel, across and then down, of planes of floats.
#pragma once

#include <vector>

#include "worker/data/augment/planes.h"

namespace ocellus::data {

// kernel[t] weighs the values t to the left and to the right; kernel[0] the middle. Sums to 1.
using HalfKernel = std::vector<float>;

// exp(-t^2 / (2 sigma^2)) for |t| <= radius, normalised.
HalfKernel GaussianKernel(double sigma, int radius);

// What box_blur.h's three passes come to.
HalfKernel BoxKernel(float sigma);

enum class Outside { kEdge, kBlack };  // the edge's values go on, or 0

// Keeps its buffers from image to image; one a thread.
class FloatBlur {
 public:
  // Planes of [size, size], in place.
  void Run(const Planes& planes, int size, const HalfKernel& kernel, Outside outside);

 private:
  std::vector<float> line_;
  std::vector<float> rows_;  // the plane after the pass across, rows above and below it too
};

}  // namespace ocellus::data
