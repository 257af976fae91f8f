// How fast fused operators go through memory, on the device that they are for.
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace ocellus::bench {

// Wall seconds since some moment; and a wait for all that the device has been given.
double Seconds();
void Wait(torch::Device device);

// A copy first, then each operator forward and backward: {"kernel", "gb_per_s", "ms"} a line. Bytes
// are those that must be read and written, each once. `size` times the smallest case's numbers.
void ReportKernels(torch::Device device, int64_t size);

}  // namespace ocellus::bench
