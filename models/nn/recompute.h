// A transformer's block whose activations are computed again in backward.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "models/nn/layers.h"
#include "models/ops/recompute.h"

namespace ocellus::models::nn {

// block.forward(stream, compute), bit by bit, of which only the stream is kept for backward. The
// block must live until then.
template <class BlockType>
Stream Recomputed(const BlockType& block, const Stream& stream, torch::ScalarType compute) {
  const ops::Region apply = [&block, compute](const std::vector<torch::Tensor>& in) {
    const Stream out = block.forward({in[0], in.size() > 1 ? in[1] : torch::Tensor()}, compute);
    return std::vector<torch::Tensor>{out.residual, out.branch};
  };
  std::vector<torch::Tensor> inputs = {stream.residual};
  if (stream.branch.defined()) inputs.push_back(stream.branch);
  const auto outputs = ops::Recomputed(apply, inputs, block.parameters());
  return {outputs[0], outputs[1]};
}

}  // namespace ocellus::models::nn
