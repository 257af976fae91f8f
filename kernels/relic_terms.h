// ReLICv2's terms of images among their candidates (arXiv:2201.05119, equations 1 to 3): how likely
// each image is, and how much the answer changes when the views change sides. Where candidates are
// few and chosen, their embeddings are read in place: neither all products nor copies are made.
//
// All of fp32. CUDA functions only enqueue work on `stream` (a cudaStream_t).
#pragma once

#include <cstdint>

#include "kernels/partition.h"

namespace ocellus::kernels {

// Which divergence of the answers p and q, and what of it is held constant.
enum class RelicDivergence {
  kListing,    // sg[sum p log p] - sum p log q: gradients through p and log q of the second sum
  kFull,       // sum p log p - sum p log q, nothing constant
  kSoftLabel,  // sg[sum q log q] - sum sg[q] log p: the target's answer teaches the online side
};

// Embeddings of `width` numbers; row i begins at data + i * stride.
struct EmbeddingRows {
  const float* data = nullptr;
  int64_t stride = 0;
};

struct RelicShape {
  int64_t rows = 0;        // images
  int64_t candidates = 0;  // of each, at least 1
  int64_t width = 0;       // of an embedding
  float scale = 1;         // of products, 1 / temperature
  RelicDivergence divergence = RelicDivergence::kListing;
  // [rows, candidates]: which of the others they are, an image itself first. Null: all others in
  // their order, products come from a matrix product, and own[i] is where image i itself is.
  const int64_t* chosen = nullptr;
  const int64_t* own = nullptr;  // [rows], read without `chosen`
};

// log_p[i, c] = log softmax over c of scale online[i] . all_target[c's], log_q likewise of
// target[i] . all_online[c's];  likelihood[i] = log_p at the image itself, kl[i] the divergence.
struct RelicForwardArgs {
  RelicShape shape;
  EmbeddingRows online, target, all_online, all_target;  // read with `chosen`
  float* log_p = nullptr;       // [rows, candidates]; without `chosen` holds the products before
  float* log_q = nullptr;       // likewise
  float* likelihood = nullptr;  // [rows]
  float* kl = nullptr;          // [rows]
};

// From gradients of likelihood and kl those of the products, d_p and d_q (null: not wanted), and
// with `chosen` those of the embeddings: target and all_target are constants.
struct RelicBackwardArgs {
  RelicShape shape;
  const float* log_p = nullptr;
  const float* log_q = nullptr;
  const float* d_likelihood = nullptr;  // [rows]
  const float* d_kl = nullptr;          // [rows]
  float* d_p = nullptr;                 // [rows, candidates]
  float* d_q = nullptr;                 // [rows, candidates] or null

  // With `chosen`:
  EmbeddingRows target, all_target;
  float* d_online = nullptr;  // [rows, width], dense
  // With `chosen` and d_q: places of `chosen`, flat, that chose other k lie in places[first[k]] ...
  // places[first[k + 1] - 1], ascending, so that sums have one order.
  int64_t others = 0;
  const int64_t* first = nullptr;   // [others + 1]
  const int64_t* places = nullptr;  // [rows * candidates]
  float* d_all_online = nullptr;    // [others, width], dense
};

// `first` and `places` of `count` choices among `others`, all in host memory.
void InvertChoices(const int64_t* chosen, int64_t count, int64_t others, int64_t* first,
                   int64_t* places);

namespace cpu {
void RelicForward(const RelicForwardArgs& args, const ParallelFor& parallel);
void RelicBackward(const RelicBackwardArgs& args, const ParallelFor& parallel);
}  // namespace cpu

namespace cuda {
void RelicForward(const RelicForwardArgs& args, void* stream);
void RelicBackward(const RelicBackwardArgs& args, void* stream);
}  // namespace cuda

}  // namespace ocellus::kernels
