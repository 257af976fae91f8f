// Pillow's ImageFilter.GaussianBlur to the bit: in each direction three passes of a box whose width
// need not be whole (Pillow's BoxBlur.c; Gwosdek et al. 2011). The edge's pixels go on outside.
#pragma once

#include <cstdint>
#include <vector>

namespace ocellus::data {

// The box's radius for a Gaussian of `sigma`: a whole part, and what its two ends weigh.
float BoxRadius(float sigma);

// Keeps its buffers from image to image; one a thread.
class BoxBlur {
 public:
  // `pixels` is [height, width], words of four bytes, each byte blurred by itself.
  void Run(uint32_t* pixels, int width, int height, float sigma);

 private:
  void Pass(const uint32_t* in, int width, int height, float radius, uint32_t* out);
  void ThreePasses(uint32_t* pixels, int width, int height, float radius);

  std::vector<uint32_t> turned_;
  std::vector<uint32_t> other_;
  std::vector<uint32_t> sums_;
};

}  // namespace ocellus::data
