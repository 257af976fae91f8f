// How many floating-point operations a model's products take, as they are asked for.
//
// Counted are the products of linear layers, attention (both, over all pairs of tokens) and
// convolutions: 2 operations a multiplication, and twice as many again for backward where a
// gradient will flow. Norms, softmax, losses, optimizers and what is computed again to save memory
// are not. So a sample's sum is the published one of its model, not a processor's count.
#pragma once

#include <torch/torch.h>

namespace ocellus::models::ops {

// Of this process so far. Safe to call from any thread.
double CountedFlops();

// `multiplications` of a product of these two; backward is counted when either wants a gradient.
void CountProduct(double multiplications, const torch::Tensor& a, const torch::Tensor& b);

// So many operations more: of work that is repeated without being asked for again.
void CountFlops(double flops);

// Nothing that this thread asks for is counted while one exists: for what is computed twice.
class Uncounted {
 public:
  Uncounted();
  ~Uncounted();
  Uncounted(const Uncounted&) = delete;
};

}  // namespace ocellus::models::ops
