// The exchange between the ranks of a gang: c10d with Gloo on CPU and NCCL on CUDA.
//
// Used by one thread at a time; every rank calls the same functions in the same order. Every wait
// has a limit: a rank that is gone, or silent for longer, becomes wire::Fault PEER_LOST (class
// infra_process), after which the communicator is of no use and the process should end.
#pragma once

#include <torch/torch.h>

#include <chrono>
#include <memory>

#include "models/collectives.h"
#include "worker/dist/notes.h"
#include "worker/dist/rendezvous.h"

namespace ocellus::dist {

struct Limits {
  std::chrono::milliseconds rendezvous{120'000};
  // Longer than anything that one rank does alone while the others wait (a snapshot, an
  // evaluation).
  std::chrono::milliseconds collective{600'000};
};

// A reduction under way. Wait before its tensor is read or written.
class PendingReduction {
 public:
  virtual ~PendingReduction() = default;
  // Blocks until the tensor holds the sum (on CUDA: orders the current stream after it). Throws
  // PEER_LOST.
  virtual void Wait() = 0;
};

class Communicator final : public models::Collectives {
 public:
  // Meets the other ranks; a world of one needs nobody. `device` chooses Gloo or NCCL. Throws
  // wire::Fault: PEER_LOST, or BAD_SPEC for CUDA in a program built without it.
  Communicator(const Membership& membership, torch::Device device, const Limits& limits = {});
  ~Communicator() override;

  int rank() const override;
  int world() const override;
  void all_reduce_sum(torch::Tensor& tensor) override;
  torch::Tensor all_gather(const torch::Tensor& tensor) override;

  // Sum over ranks, in place, while the caller goes on. `tensor` is contiguous and stays untouched
  // until Wait. Reductions run in the order of their start; the result is the same bits on all
  // ranks, and depends on the values and the tensor's size alone.
  std::unique_ptr<PendingReduction> StartAllReduce(torch::Tensor tensor);

  // Over a connection of its own. Null in a world of one. Throws PEER_LOST.
  std::unique_ptr<Notes> MakeNotes() const;

  // Seconds that this rank's thread has been blocked in exchanges so far.
  double wait_seconds() const;

 private:
  struct Link;
  std::unique_ptr<Link> link_;
};

}  // namespace ocellus::dist
