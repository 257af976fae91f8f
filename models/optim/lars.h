// Layer-wise adaptive rates for large batches (You et al. 2017, arXiv:1708.03888), in the three
// forms that published recipes were tuned with. They are not interchangeable.
#pragma once

#include <memory>
#include <vector>

#include "models/optim/optimizer.h"

namespace ocellus::models::optim {

enum class LarsForm {
  kMoco,    // the rate outside of the momentum; facebookresearch/moco-v3 optimizer.py
  kSimclr,  // the rate inside of it; google-research/simclr lars_optimizer.py, classic momentum
  kByol     // as kMoco, but names say what is skipped; deepmind-research byol optimizers.py
};

// For each tensor p with gradient g:
//   g <- g + wd p;  g <- g trust |p| / |g| (factor 1 where a norm is 0)
//   v <- momentum v + g;  p <- p - lr v          (kMoco, kByol)
//   v <- momentum v + lr g;  p <- p - v          (kSimclr)
// The first line is skipped for tensors of fewer than 2 dimensions (kMoco, kSimclr), or for biases
// and the weights of normalisation (kByol): any name that contains "norm" or "bn", and weights of
// one dimension, which in a numbered head are a BatchNorm's.
struct LarsSettings {
  LarsForm form = LarsForm::kMoco;
  double momentum = 0.9;
  double weight_decay = 0;
  double trust_coefficient = 0.001;
};

// State names: momentum_buffer.<parameter>, step.
std::unique_ptr<Optimizer> MakeLars(std::vector<NamedParameter> parameters,
                                    const LarsSettings& settings);

}  // namespace ocellus::models::optim
