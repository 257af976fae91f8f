// Process-wide settings of LibTorch that a run's numbers depend on.
#pragma once

namespace ocellus::trainer {

// `threads`: for operators on the CPU; a run repeats bit for bit only with the same number. fp32
// means fp32: no TF32 in matrix products or convolutions.
void ConfigureNumerics(int threads);

}  // namespace ocellus::trainer
