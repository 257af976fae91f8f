#include "worker/trainer/recorder.h"

#ifdef OCELLUS_WITH_CUDA
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAStream.h>
#endif

namespace ocellus::trainer {

#ifdef OCELLUS_WITH_CUDA
namespace {

class CudaGraph final : public Recorder {
 public:
  void Record(std::function<void()> work) override {
    // The graph has memory of its own; what plain steps have used is free for it.
    c10::cuda::CUDACachingAllocator::emptyCache();
    // Other threads (NCCL's watchdog, the loader) may go on calling CUDA.
    graph_.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
    try {
      work();
    } catch (...) {
      try {
        graph_.capture_end();
      } catch (const c10::Error&) {  // the work's own error says more
      }
      throw;
    }
    graph_.capture_end();
  }

  void Replay() override { graph_.replay(); }

 private:
  at::cuda::CUDAGraph graph_;
};

}  // namespace

void LeaveDefaultStream(torch::Device device) {
  if (!device.is_cuda()) return;
  c10::cuda::setCurrentCUDAStream(
      c10::cuda::getStreamFromPool(/*isHighPriority=*/true, device.index()));
}

MakeRecorder CudaGraphs() {
  return [] { return std::make_unique<CudaGraph>(); };
}

#else

void LeaveDefaultStream(torch::Device) {}

MakeRecorder CudaGraphs() { return nullptr; }

#endif

}  // namespace ocellus::trainer
