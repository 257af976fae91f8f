#include "models/optim/flat_list.h"

#include <algorithm>

namespace ocellus::models::optim {

void FlatList::Add(const torch::Tensor& tensor) {
  TORCH_CHECK(tensor.is_non_overlapping_and_dense() && tensor.scalar_type() == torch::kFloat32,
              "a tensor that is not a row of floats");
  flat_.push_back(tensor.detach().as_strided({tensor.numel()}, {1}));
  size_ += tensor.numel();
}

// copy(part of a tensor, where in the piece it lies) for all parts of a piece.
template <class Copy>
void FlatList::ForPieces(int64_t begin, int64_t count, const Copy& copy) const {
  int64_t first = 0;  // of the tensor in the list
  for (const torch::Tensor& flat : flat_) {
    const int64_t from = std::max(begin, first);
    const int64_t to = std::min(begin + count, first + flat.numel());
    if (from < to) copy(flat.narrow(0, from - first, to - from), from - begin);
    first += flat.numel();
  }
}

void FlatList::Read(int64_t begin, torch::Tensor row) const {
  ForPieces(begin, row.numel(), [&](const torch::Tensor& part, int64_t at) {
    row.narrow(0, at, part.numel()).copy_(part);
  });
}

void FlatList::Write(int64_t begin, const torch::Tensor& row) {
  ForPieces(begin, row.numel(),
            [&](torch::Tensor part, int64_t at) { part.copy_(row.narrow(0, at, part.numel())); });
}

}  // namespace ocellus::models::optim
