#include "worker/trainer/numerics.h"

#include <torch/torch.h>

#include <algorithm>

namespace ocellus::trainer {

void ConfigureNumerics(int threads) {
  at::set_num_threads(std::max(threads, 1));
  at::globalContext().setAllowTF32CuBLAS(false);
  at::globalContext().setAllowTF32CuDNN(false);
}

}  // namespace ocellus::trainer
