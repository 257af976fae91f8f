// Averages gradients over the ranks while backward is still running.
//
// Gradients are views into flat buckets. A bucket is sent as soon as backward has filled it and
// those before it have been sent: all ranks send in the same order. What a bucket holds depends on
// the list of parameters alone, never on the order in which gradients turned up, so that an element
// is always summed in the same order and a resumed run gives the same bits.
//
//   reducer.ZeroGradients();
//   for (micro-batch) { if (last) reducer.ReduceNextBackward(); loss.backward(); }
//   reducer.Finish();            // gradients are now the mean over ranks, the same bits everywhere
//
// Do not replace or detach gradients: zero them through the reducer. Used by the loop's thread.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "worker/dist/communicator.h"

namespace ocellus::dist {

// Small enough that sending starts early, large enough that the price of a message is small.
struct BucketSizes {
  int64_t first_bytes = int64_t{1} << 20;
  int64_t bytes = int64_t{8} << 20;
};

class GradientReducer {
 public:
  // `parameters`: the trainable ones in the model's order, the same on all ranks; backward fills
  // them from the last to the first. `communicator` must outlive the reducer. With one rank there
  // are no buckets: gradients stay where autograd puts them.
  GradientReducer(std::vector<torch::Tensor> parameters, Communicator& communicator,
                  const BucketSizes& sizes = {});
  ~GradientReducer();

  void ZeroGradients();

  // The next backward ends the step's micro-batches: its gradients are sent as they are complete.
  void ReduceNextBackward();

  // Sends what backward did not reach (unused parameters have zeros) and waits for everything.
  // Throws PEER_LOST.
  void Finish();

  int64_t buckets() const;

 private:
  struct Bucket;
  class Ready;

  void MakeBuckets(const BucketSizes& sizes);
  void AttachHooks();
  void OnGradient(size_t bucket);
  void Send(size_t bucket);

  std::vector<torch::Tensor> parameters_;
  Communicator& communicator_;
  std::vector<std::unique_ptr<Bucket>> buckets_;
  bool armed_ = false;
  size_t next_to_send_ = 0;
};

}  // namespace ocellus::dist
