#include "models/ops/augment.h"

#include <algorithm>
#include <cstring>

#include "models/ops/launch.h"

namespace ocellus::models::ops {
namespace {

// The records as bytes on the device.
torch::Tensor Records(const std::vector<kernels::AugmentView>& views, torch::Device device) {
  const auto bytes = static_cast<int64_t>(views.size() * sizeof(kernels::AugmentView));
  const torch::Tensor host = torch::empty(
      {bytes}, torch::TensorOptions().dtype(torch::kUInt8).pinned_memory(device.is_cuda()));
  if (bytes > 0) std::memcpy(host.data_ptr(), views.data(), bytes);
  return host.to(device, /*non_blocking=*/true);
}

// The pieces as one, on the device.
torch::Tensor Words(const std::vector<torch::Tensor>& pieces, torch::Device device) {
  int64_t count = 0;
  for (const torch::Tensor& piece : pieces) {
    TORCH_CHECK(piece.scalar_type() == torch::kInt32 && piece.is_contiguous(), "not dense words");
    count += piece.numel();
  }
  if (pieces.size() == 1) return pieces[0].to(device, /*non_blocking=*/true);
  const torch::Tensor words =
      torch::empty({count}, torch::TensorOptions().device(device).dtype(torch::kInt32));
  int64_t at = 0;
  for (const torch::Tensor& piece : pieces) {
    words.narrow(0, at, piece.numel()).copy_(piece, /*non_blocking=*/true);
    at += piece.numel();
  }
  return words;
}

}  // namespace

torch::Tensor Augment(const UndoneViews& undone, torch::Device device, torch::ScalarType type) {
  const torch::Tensor records = Records(undone.views, device);
  const torch::Tensor words = Words(undone.words, device);
  const auto options = torch::TensorOptions().device(device);
  const auto count = static_cast<int64_t>(undone.views.size());
  const torch::Tensor out = torch::empty({count, 3, undone.size, undone.size}, options.dtype(type));

  kernels::AugmentArgs args{.count = count,
                            .views = static_cast<const kernels::AugmentView*>(records.data_ptr()),
                            .pixels = static_cast<const uint32_t*>(words.data_ptr()),
                            .tables = words.data_ptr<int32_t>(),
                            .weights = static_cast<const float*>(words.data_ptr()),
                            .size = static_cast<int32_t>(undone.size),
                            .out = out.data_ptr(),
                            .type = ElementOf(out)};
  std::copy(undone.mean.begin(), undone.mean.end(), args.mean);
  std::copy(undone.std.begin(), undone.std.end(), args.std);
  for (const auto& view : undone.views) args.height_max = std::max(args.height_max, view.height);
  torch::Tensor scratch;
  if (device.is_cuda()) {
    scratch = torch::empty({kernels::AugmentScratch(args)}, options.dtype(torch::kInt32));
    args.scratch = static_cast<uint32_t*>(scratch.data_ptr());
  }
  OCELLUS_LAUNCH(Augment, out, args);
  return out;
}

}  // namespace ocellus::models::ops
