// Work on a GPU, recorded once and repeated by one call of the host.
//
// Not run on a GPU yet (docs/PERFORMANCE.md). Used by the loop's thread.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <memory>

namespace ocellus::trainer {

// The thread's work on a GPU goes to a stream of its own from now on: the default one cannot be
// recorded. Call it before anything is enqueued. Nothing happens on CPU.
void LeaveDefaultStream(torch::Device device);

class Recorder {
 public:
  virtual ~Recorder() = default;

  // Calls `work`; what it enqueues is kept, not done. Throws what `work` throws, and c10::Error
  // where something in it cannot be recorded.
  virtual void Record(std::function<void()> work) = 0;

  // Enqueues what was kept, on the same memory.
  virtual void Replay() = 0;
};

using MakeRecorder = std::function<std::unique_ptr<Recorder>()>;

// Makes CUDA graphs; null in a trainer that was built without CUDA.
MakeRecorder CudaGraphs();

}  // namespace ocellus::trainer
