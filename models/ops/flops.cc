#include "models/ops/flops.h"

#include <atomic>

namespace ocellus::models::ops {
namespace {

std::atomic<double> counted{0};
thread_local int uncounted = 0;

}  // namespace

double CountedFlops() { return counted.load(std::memory_order_relaxed); }

void CountProduct(double multiplications, const torch::Tensor& a, const torch::Tensor& b) {
  if (uncounted > 0) return;
  const bool trains = torch::GradMode::is_enabled() && (a.requires_grad() || b.requires_grad());
  counted.fetch_add(multiplications * (trains ? 6 : 2), std::memory_order_relaxed);
}

void CountFlops(double flops) { counted.fetch_add(flops, std::memory_order_relaxed); }

Uncounted::Uncounted() { ++uncounted; }
Uncounted::~Uncounted() { --uncounted; }

}  // namespace ocellus::models::ops
