#include "worker/data/normaliser.h"

namespace ocellus::data {

Normaliser::Normaliser(const ViewOptions& view) : mean(view.mean), std(view.std) {
  for (int channel = 0; channel < 3; ++channel) {
    for (int v = 0; v < 256; ++v) {
      const float scaled = static_cast<float>(v) / 255.0f;
      value[channel][v] = (scaled - mean[channel]) / std[channel];
    }
  }
}

void Normaliser::RunRow(const uint8_t* row, bool flip, int size, float* out, int64_t plane) const {
  for (int channel = 0; channel < 3; ++channel) {
    const float* becomes = value[channel].data();
    float* to = out + channel * plane + (flip ? size - 1 : 0);
    const int step = flip ? -1 : 1;
    for (int x = 0; x < size; ++x, to += step) *to = becomes[row[4 * x + channel]];
  }
}

void Normaliser::Run(const uint32_t* pixels, bool flip, int size, float* out) const {
  for (int64_t y = 0; y < size; ++y) {
    RunRow(reinterpret_cast<const uint8_t*>(pixels + y * size), flip, size, out + y * size,
           int64_t{size} * size);
  }
}

}  // namespace ocellus::data
