// What turns whole images into one vector each: the part of a network that pretraining is for.
#pragma once

#include <torch/torch.h>

#include <cstdint>

#include "models/nn/batch_norm.h"

namespace ocellus::models::nn {

// A module whose names are the official ones. A method may register its own head beside them.
class Encoder : public torch::nn::Module {
 public:
  // images [N, 3, H, W] fp32. Returns [N, features()] fp32.
  virtual torch::Tensor forward(const torch::Tensor& images, const Pass& pass) const = 0;
  virtual int64_t features() const = 0;
  virtual void Initialise(torch::Generator& generator) = 0;
};

}  // namespace ocellus::models::nn
