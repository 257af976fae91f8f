// Contrastive losses beside the form that keeps all logits.
#include <malloc.h>
#include <sys/wait.h>
#include <torch/version.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "models/ops/contrastive_loss.h"
#include "models/ops/key_contrast.h"
#include "models/ops/launch.h"
#include "models/ops/relic_loss.h"
#include "tools/bench/kernel_cases.h"

namespace ocellus::bench {
namespace {

using Tensors = std::vector<torch::Tensor>;

constexpr int64_t kWidth = 256;

torch::Tensor Directions(const torch::Tensor& rows) {
  return rows / rows.norm(2, {1}, /*keepdim=*/true);
}

models::SingleRank& Alone() {
  static models::SingleRank alone;
  return alone;
}

struct Pairs {
  explicit Pairs(int64_t count)
      : images(Directions(torch::randn({count, kWidth})).requires_grad_()),
        texts(Directions(torch::randn({count, kWidth})).requires_grad_()),
        scale(torch::tensor(14.0f).requires_grad_()),
        bias(torch::tensor(-10.0f).requires_grad_()) {}

  torch::Tensor Logits() const { return scale * images.matmul(texts.t()); }
  torch::Tensor images, texts, scale, bias;
};

torch::Tensor EagerInfoNce(const Pairs& pairs) {
  const torch::Tensor logits = pairs.Logits(), labels = torch::arange(logits.size(0));
  return (at::cross_entropy_loss(logits, labels) + at::cross_entropy_loss(logits.t(), labels)) / 2;
}

torch::Tensor EagerSigLip(const Pairs& pairs) {
  const int64_t count = pairs.images.size(0);
  const torch::Tensor signs = 2 * torch::eye(count) - 1;
  return -torch::log_sigmoid(signs * (pairs.Logits() + pairs.bias)).sum() / count;
}

torch::Tensor EagerKeyContrast(const Pairs& pairs) {
  const torch::Tensor logits =
      Directions(pairs.images).mm(Directions(pairs.texts.detach()).t()) / 0.2;
  return at::cross_entropy_loss(logits, torch::arange(logits.size(0)));
}

torch::Tensor FusedInfoNce(const Pairs& pairs) {
  return models::ops::InfoNceLoss(pairs.images, pairs.texts, pairs.scale, Alone());
}

// ReLICv2's terms of a pair of views with ten negatives, as sums of rows of all products.
Case RelicCase(int64_t count) {
  const torch::Tensor online = Directions(torch::randn({count, kWidth})).requires_grad_();
  const torch::Tensor all_online = Directions(torch::randn({count, kWidth})).requires_grad_();
  const torch::Tensor target = Directions(torch::randn({count, kWidth}));
  const torch::Tensor own = torch::arange(count);
  const torch::Tensor negatives = torch::randint(1, count, {count, 10}, torch::kInt64);
  const torch::Tensor chosen =
      torch::cat({own.unsqueeze(1), (own.unsqueeze(1) + negatives).remainder(count)}, 1);
  const auto terms = [=](bool kernels) -> Tensors {
    models::ops::SetUseKernels(kernels);
    const auto got =
        models::ops::RelicPairTerms({online, target, all_online, target}, {own, chosen}, 0.2);
    models::ops::SetUseKernels(true);
    return {got.log_likelihood, got.kl};
  };
  return ForwardBackward(
      "relic_" + std::to_string(count), {online, all_online}, [=] { return terms(true); },
      [=] { return terms(false); });
}

// Megabytes that the process has at most, beyond what it has now, while it does the work. Pages of
// programs and libraries that come in meanwhile are not counted: how many do depends on what others
// had the kernel throw out before.
double ExtraMegabytes(const std::function<void()>& work) {
  const auto status = [](const std::string& key) {
    std::ifstream file("/proc/self/status");
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with(key)) return std::stod(line.substr(key.size()));
    }
    return 0.0;
  };
  std::ofstream("/proc/self/clear_refs") << "5" << std::flush;  // the peak starts again
  const double before = status("VmRSS:"), files_before = status("RssFile:");
  work();
  const double files = std::max(0.0, status("RssFile:") - files_before);
  return (status("VmHWM:") - before - files) / 1024;
}

// From now on a large array is the system's again as soon as it is freed, so that what the process
// has is what is alive. Where freed memory is kept (models/ops/memory.h), glibc takes a gap for an
// aligned array only if its alignment has room besides, and an equal array has mostly left none.
// The N x N form, of which five such arrays are alive at most (forward the products, the logits,
// both log-softmaxes, and the transposed logits made dense for the second), then took five to ten,
// by luck.
void GiveBackFreedMemory() {
  mallopt(M_MMAP_MAX, 1 << 16);
  mallopt(M_MMAP_THRESHOLD, 1 << 16);
  mallopt(M_TRIM_THRESHOLD, 1 << 16);
  mallopt(M_TOP_PAD, 0);
  malloc_trim(0);
}

using Loss = torch::Tensor (*)(const Pairs&);

// Of one forward and backward pass, in a process of its own.
double ExtraMegabytesOf(Loss loss, int64_t count) {
  int ends[2];
  if (pipe(ends) != 0) throw std::runtime_error("no pipe");
  const pid_t child = fork();
  if (child == 0) {
    GiveBackFreedMemory();
    const Pairs warm(64), pairs(count);
    loss(warm).backward();
    const double extra = ExtraMegabytes([&] { loss(pairs).backward(); });
    const bool told = write(ends[1], &extra, sizeof extra) == sizeof extra;
    _exit(told ? 0 : 1);
  }
  double extra = 0;
  const bool read_all = read(ends[0], &extra, sizeof extra) == sizeof extra;
  waitpid(child, nullptr, 0);
  close(ends[0]);
  close(ends[1]);
  if (!read_all) throw std::runtime_error("the measuring process ended early");
  return extra;
}

void PrintMemory(const std::string& name, const char* unit, double ours, double peer,
                 const std::string& peer_name) {
  std::printf(
      "bench kernels case=%s unit=%s ours=%.2f peer=%.2f peer_name=%s ratio=%.3f spread=0 "
      "device=cpu\n",
      name.c_str(), unit, ours, peer, peer_name.c_str(), peer / ours);
  std::fflush(stdout);
}

}  // namespace

std::vector<Case> ContrastCases() {
  std::vector<Case> cases;
  for (const int64_t count : {int64_t{1024}, int64_t{4096}}) {
    const Pairs pairs(count);
    const Tensors both = {pairs.images, pairs.texts, pairs.scale};
    const std::string size = std::to_string(count);
    cases.push_back(ForwardBackward(
        "infonce_" + size, both, [=]() -> Tensors { return {FusedInfoNce(pairs)}; },
        [=]() -> Tensors { return {EagerInfoNce(pairs)}; }));
    cases.push_back(ForwardBackward(
        "siglip_" + size, {pairs.images, pairs.texts, pairs.scale, pairs.bias},
        [=]() -> Tensors {
          return {
              models::ops::SigLipLoss(pairs.images, pairs.texts, pairs.scale, pairs.bias, Alone())};
        },
        [=]() -> Tensors { return {EagerSigLip(pairs)}; }));
    cases.push_back(ForwardBackward(
        "key_contrast_" + size, {pairs.images},
        [=]() -> Tensors {
          return {models::ops::KeyContrast(pairs.images, pairs.texts, 0.2, Alone())};
        },
        [=]() -> Tensors { return {EagerKeyContrast(pairs)}; }));
    cases.push_back(RelicCase(count));
  }
  return cases;
}

void ReportContrastMemory(int64_t pairs) {
  PrintMemory("contrast_memory_" + std::to_string(pairs), "MB",
              ExtraMegabytesOf(FusedInfoNce, pairs), ExtraMegabytesOf(EagerInfoNce, pairs),
              std::string("aten@") + TORCH_VERSION);
}

void ReportContrastGrowth(int64_t pairs) {
  const auto per_pair = [](int64_t count) {
    return 1024 * ExtraMegabytesOf(FusedInfoNce, count) / static_cast<double>(count);
  };
  PrintMemory("contrast_growth_" + std::to_string(4 * pairs), "KB/pair", per_pair(4 * pairs),
              per_pair(pairs), "ocellus_of_" + std::to_string(pairs));
}

}  // namespace ocellus::bench
