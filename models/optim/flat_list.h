// Tensors one behind the other, as one long row of numbers that is exchanged in pieces.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

namespace ocellus::models::optim {

class FlatList {
 public:
  // Shares the tensors' memory, in its own order: all dense, of fp32, wherever they are.
  void Add(const torch::Tensor& tensor);

  int64_t size() const { return size_; }

  // [begin, begin + row's size) of the list to `row`, or back; what lies beyond the end is skipped.
  void Read(int64_t begin, torch::Tensor row) const;
  void Write(int64_t begin, const torch::Tensor& row);

 private:
  template <class Copy>
  void ForPieces(int64_t begin, int64_t count, const Copy& copy) const;

  std::vector<torch::Tensor> flat_;
  int64_t size_ = 0;
};

}  // namespace ocellus::models::optim
