// Multi-head self-attention without a tokens x tokens matrix in memory. On CPU alone: on CUDA,
// LibTorch's scaled_dot_product_attention does this.
//
// Queries are taken in blocks small enough for the cache; the backward pass computes the
// probabilities again. Products of bf16 operands are accumulated in fp32, and the softmax is fp32;
// probabilities are rounded to bf16 before they meet values, as autocast does. Those products come
// from the processor's matrix units (AMX) or its dot products of bf16, if it was compiled for and
// has them: sums' order differs. A head's work is one task, so results do not depend on threads.
#pragma once

#include <cstdint>

#include "kernels/element.h"
#include "kernels/partition.h"

namespace ocellus::kernels {

// Tensors are dense. A row of qkv has D queries, D keys, D values, each split into `heads` runs of
// D / heads.
struct AttentionShape {
  int64_t batch = 0;
  int64_t tokens = 0;
  int64_t heads = 0;
  int64_t head_width = 0;  // D / heads
  float scale = 1;         // of the scores, before the softmax
  Element type = Element::kFloat32;

  int64_t width() const { return heads * head_width; }  // D
};

// What the backward pass wants to know of each row's softmax: [batch, heads, tokens] each.
struct SoftmaxRows {
  float* largest = nullptr;  // of the scaled scores
  float* inverse = nullptr;  // 1 / sum of e^(score - largest)

  SoftmaxRows From(int64_t row) const { return {largest + row, inverse + row}; }
};

struct AttentionForwardArgs {
  AttentionShape shape;
  const void* qkv = nullptr;  // [batch, tokens, 3 D]
  void* out = nullptr;        // [batch, tokens, D]
  SoftmaxRows rows;           // written
};

struct AttentionBackwardArgs {
  AttentionShape shape;
  const void* qkv = nullptr;    // [batch, tokens, 3 D]
  const void* d_out = nullptr;  // [batch, tokens, D]
  SoftmaxRows rows;             // as forward wrote them
  void* d_qkv = nullptr;        // [batch, tokens, 3 D], overwritten
};

namespace cpu {
void AttentionForward(const AttentionForwardArgs& args, const ParallelFor& parallel);
void AttentionBackward(const AttentionBackwardArgs& args, const ParallelFor& parallel);
}  // namespace cpu

}  // namespace ocellus::kernels
