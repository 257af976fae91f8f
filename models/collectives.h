// Exchanges between ranks as objectives need them. worker/dist implements it over c10d; one rank
// alone uses SingleRank. Every rank must call the same functions in the same order.
#pragma once

#include <torch/torch.h>

namespace ocellus::models {

class Collectives {
 public:
  virtual ~Collectives() = default;
  virtual int rank() const = 0;
  virtual int world() const = 0;

  // Sum over ranks, in place, without gradient. Throws wire::Fault (PEER_LOST) when a rank is gone.
  virtual void all_reduce_sum(torch::Tensor& tensor) = 0;

  // [n, ...] of each rank to [n * world, ...] in rank order, without gradient.
  virtual torch::Tensor all_gather(const torch::Tensor& tensor) = 0;
};

class SingleRank final : public Collectives {
 public:
  int rank() const override { return 0; }
  int world() const override { return 1; }
  void all_reduce_sum(torch::Tensor&) override {}
  torch::Tensor all_gather(const torch::Tensor& tensor) override { return tensor; }
};

}  // namespace ocellus::models
