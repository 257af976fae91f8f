#include "kernels/cuda/tensor_batch.h"
#include "kernels/optimizer.h"

namespace ocellus::kernels::cuda {
namespace {

constexpr int kThreads = 256;

template <int kCount>
__device__ void AveragePiece(const AverageTensor& tensor, float weight, const Piece& piece) {
  const Followers followers{nullptr, tensor.average};
  for (int64_t i = piece.begin + int64_t{threadIdx.x} * kCount; i < piece.end;
       i += int64_t{blockDim.x} * kCount) {
    Follow<kCount>(followers, LoadPack<kCount>(tensor.parameter + i), weight, i);
  }
}

__global__ void AverageKernel(Batch<AverageTensor> batch, const StepNumbers* numbers) {
  const Piece piece = OwnPiece(batch);
  const AverageTensor& tensor = batch.tensors[piece.tensor];
  const float weight = NewAverage(numbers);
  batch.packs[piece.tensor] ? AveragePiece<kPack>(tensor, weight, piece)
                            : AveragePiece<1>(tensor, weight, piece);
}

}  // namespace

void Average(const AverageArgs& args, void* stream) {
  ForEachBatch(args.tensors, args.size, [&](const Batch<AverageTensor>& batch, int pieces) {
    OCELLUS_KERNEL_LAUNCH(AverageKernel, dim3(pieces), dim3(kThreads), 0, stream, batch,
                          args.numbers);
    CheckLaunch("Average");
  });
}

}  // namespace ocellus::kernels::cuda
