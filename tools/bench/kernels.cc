// Each fused operator beside the composition of ATen operators that it stands for; one thread,
// alternately in this process. Called by tools/bench/kernels.
//
//   ocellus-bench-kernels REPEATS SECONDS [CASE ...]
#include <sys/resource.h>
#include <torch/torch.h>
#include <torch/version.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "models/ops/memory.h"
#include "tools/bench/kernel_cases.h"

namespace ocellus::bench {

Case ForwardBackward(const std::string& name, const std::vector<torch::Tensor>& inputs,
                     const Forward& ours, const Forward& aten) {
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& output : ours()) gradients.push_back(torch::randn_like(output));
  const auto both = [=](const Forward& forward) {
    return [=] { torch::autograd::grad(forward(), inputs, gradients); };
  };
  return {name, both(ours), both(aten)};
}

torch::Tensor Leaf(torch::IntArrayRef shape, torch::ScalarType type, double deviation) {
  return (torch::randn(shape) * deviation).to(type).requires_grad_(true);
}

namespace {

double CpuSeconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

// CPU seconds of one unit of work.
double Measure(const std::function<void()>& work, int64_t count) {
  const double before = CpuSeconds();
  for (int64_t i = 0; i < count; ++i) work();
  return (CpuSeconds() - before) / static_cast<double>(count);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void Report(const Case& c, int64_t repeats, double seconds) {
  Measure(c.ours, 1);
  const double once = Measure(c.aten, 2);
  const int64_t count = std::max<int64_t>(1, static_cast<int64_t>(seconds / std::max(once, 1e-6)));
  std::vector<double> ours, aten, ratios;
  for (int64_t i = 0; i < repeats; ++i) {
    ours.push_back(Measure(c.ours, count));
    aten.push_back(Measure(c.aten, count));
    ratios.push_back(aten.back() / ours.back());
  }
  const auto [low, high] = std::minmax_element(ratios.begin(), ratios.end());
  std::printf(
      "bench kernels case=%s unit=us ours=%.1f peer=%.1f peer_name=aten@%s ratio=%.3f spread=%.3f "
      "device=cpu\n",
      c.name.c_str(), 1e6 * Median(ours), 1e6 * Median(aten), TORCH_VERSION, Median(ratios),
      (*high - *low) / Median(ratios));
  std::fflush(stdout);
}

void Run(int64_t repeats, double seconds, const std::set<std::string>& wanted) {
  const auto wants = [&](const std::string& name) { return wanted.empty() || wanted.count(name); };
  // Before anything else takes memory. The growth takes a minute, and only when asked.
  if (wants("contrast_memory")) ReportContrastMemory(8192);
  if (wanted.count("contrast_growth")) ReportContrastGrowth(8192);
  for (const auto& cases :
       {TransformerCases, OptimizerCases, ContrastCases, HeadCases, ConvNextCases}) {
    for (const Case& c : cases()) {
      if (wants(c.name)) Report(c, repeats, seconds);
    }
  }
}

}  // namespace
}  // namespace ocellus::bench

int main(int argc, char** argv) try {
  if (argc < 3)
    throw std::invalid_argument("usage: ocellus-bench-kernels REPEATS SECONDS [CASE ...]");
  ocellus::models::ops::KeepFreedMemory();
  torch::set_num_threads(1);
  torch::manual_seed(7);
  ocellus::bench::Run(std::stoll(argv[1]), std::stod(argv[2]), {argv + 3, argv + argc});
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "ocellus-bench-kernels: %s\n", error.what());
  return 2;
}
