// Embeddings and choices for the tests of ReLICv2's terms, and what the passes write.
#pragma once

#include <cmath>
#include <vector>

#include "kernels/relic_terms.h"
#include "tests/kernels/arrays.h"
#include "tests/support/cuda_emulation/access_checker.h"

namespace ocellus::kernels {

struct RelicNumbers {
  int64_t rows, candidates, others, width, gap;  // `gap`: between rows of embeddings
  bool chosen;                                   // else candidates == others
};

// One element, odd tails, far more images than a part has, gaps, all others as candidates.
inline std::vector<RelicNumbers> RelicShapes() {
  return {{1, 1, 1, 1, 0, true},      {3, 4, 5, 17, 3, true}, {33, 11, 37, 33, 0, true},
          {2, 5, 6, 130, 1000, true}, {3, 7, 7, 4, 0, false}, {2, 130, 130, 2, 0, false}};
}

struct RelicCase {
  RelicCase(const RelicNumbers& n, RelicDivergence divergence)
      : n(n),
        divergence(divergence),
        online(Array::Normal(n.rows * stride(), 1)),
        target(Array::Normal(n.rows * stride(), 2)),
        all_online(Array::Normal(n.others * stride(), 3)),
        all_target(Array::Normal(n.others * stride(), 4)),
        d_likelihood(Array::Normal(n.rows, 5)),
        d_kl(Array::Normal(n.rows, 6)),
        log_p(n.rows * n.candidates),
        log_q(n.rows * n.candidates),
        likelihood(n.rows),
        kl(n.rows),
        d_p(n.rows * n.candidates),
        d_q(n.rows * n.candidates),
        d_online(n.rows * n.width),
        d_all_online(n.others * n.width),
        choices(n.rows * n.candidates + 1),  // never null
        own(n.rows),
        first(n.others + 1),
        places(n.rows * n.candidates) {
    for (int64_t i = 0; i < n.rows; ++i) {
      own[i] = (3 * i + 1) % n.others;
      for (int64_t c = 0; c < n.candidates; ++c) {
        choices[i * n.candidates + c] = n.chosen ? (own[i] + c * c) % n.others : c;
      }
    }
    if (!n.chosen) FillProducts();
    InvertChoices(choices.data(), n.rows * n.candidates, n.others, first.data(), places.data());
    for (std::vector<int64_t>* list : {&choices, &own, &first, &places}) {
      emulation::Checker().Allow(list->data(), list->size() * sizeof(int64_t), sizeof(int64_t));
    }
  }
  ~RelicCase() {
    for (std::vector<int64_t>* list : {&choices, &own, &first, &places}) {
      emulation::Checker().Forbid(list->data());
    }
  }
  RelicCase(const RelicCase&) = delete;

  int64_t stride() const { return n.width + n.gap; }
  // Logits of a few units, whatever the width.
  float scale() const { return 4 / std::sqrt(static_cast<float>(n.width)); }
  int64_t Own(int64_t i) const { return n.chosen ? 0 : own[i]; }

  double Product(const Array& a, int64_t i, const Array& b, int64_t k) const {
    double sum = 0;
    for (int64_t j = 0; j < n.width; ++j) {
      sum += double{a.At(i * stride() + j)} * b.At(k * stride() + j);
    }
    return sum;
  }

  void FillProducts() {
    for (int64_t i = 0; i < n.rows; ++i) {
      for (int64_t k = 0; k < n.others; ++k) {
        log_p.Set(i * n.others + k, static_cast<float>(Product(online, i, all_target, k)));
        log_q.Set(i * n.others + k, static_cast<float>(Product(target, i, all_online, k)));
      }
    }
  }

  RelicShape Shape() {
    return {n.rows,    n.candidates, n.width,
            scale(),   divergence,   n.chosen ? choices.data() : nullptr,
            own.data()};
  }
  EmbeddingRows Rows(Array& array) { return {array.floats(), stride()}; }
  RelicForwardArgs Forward() {
    return {Shape(),        Rows(online),   Rows(target),        Rows(all_online), Rows(all_target),
            log_p.floats(), log_q.floats(), likelihood.floats(), kl.floats()};
  }
  RelicBackwardArgs Backward() {
    const bool teaches = divergence == RelicDivergence::kSoftLabel;
    return {.shape = Shape(),
            .log_p = log_p.floats(),
            .log_q = log_q.floats(),
            .d_likelihood = d_likelihood.floats(),
            .d_kl = d_kl.floats(),
            .d_p = d_p.floats(),
            .d_q = teaches ? nullptr : d_q.floats(),
            .target = Rows(target),
            .all_target = Rows(all_target),
            .d_online = d_online.floats(),
            .others = n.others,
            .first = first.data(),
            .places = places.data(),
            .d_all_online = d_all_online.floats()};
  }

  RelicNumbers n;
  RelicDivergence divergence;
  Array online, target, all_online, all_target, d_likelihood, d_kl;
  Array log_p, log_q, likelihood, kl, d_p, d_q, d_online, d_all_online;
  std::vector<int64_t> choices, own, first, places;
};

constexpr RelicDivergence kRelicDivergences[] = {RelicDivergence::kListing, RelicDivergence::kFull,
                                                 RelicDivergence::kSoftLabel};

}  // namespace ocellus::kernels
