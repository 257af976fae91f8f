#include "worker/dist/gradient_reducer.h"

#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <algorithm>

namespace ocellus::dist {

struct GradientReducer::Bucket {
  torch::Tensor values;                // flat
  std::vector<torch::Tensor> members;  // parameters whose gradients are views of `values`
  size_t missing = 0;                  // gradients that this backward has not brought yet
  std::unique_ptr<PendingReduction> reduction;
};

// Told by autograd that a parameter's gradient is complete.
class GradientReducer::Ready final : public torch::autograd::PostAccumulateGradHook {
 public:
  Ready(GradientReducer* reducer, size_t bucket) : reducer_(reducer), bucket_(bucket) {}
  void operator()(const torch::autograd::Variable&) override { reducer_->OnGradient(bucket_); }

 private:
  GradientReducer* reducer_;
  size_t bucket_;
};

namespace {

// Every gradient starts at a multiple of 64 bytes, as a tensor of its own would.
int64_t PaddedCount(const torch::Tensor& parameter) {
  const int64_t step = 64 / parameter.element_size();
  return (parameter.numel() + step - 1) / step * step;
}

bool SameKind(const torch::Tensor& a, const torch::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.device() == b.device();
}

}  // namespace

GradientReducer::GradientReducer(std::vector<torch::Tensor> parameters, Communicator& communicator,
                                 const BucketSizes& sizes)
    : parameters_(std::move(parameters)), communicator_(communicator) {
  if (communicator_.world() == 1) return;
  MakeBuckets(sizes);
  AttachHooks();
}

GradientReducer::~GradientReducer() {
  for (const auto& bucket : buckets_) {
    for (const auto& parameter : bucket->members) {
      torch::autograd::impl::set_post_acc_grad_hooks(parameter, nullptr);
    }
  }
}

void GradientReducer::MakeBuckets(const BucketSizes& sizes) {
  int64_t bytes = 0;
  for (auto parameter = parameters_.rbegin(); parameter != parameters_.rend(); ++parameter) {
    const int64_t limit = buckets_.size() == 1 ? sizes.first_bytes : sizes.bytes;
    if (buckets_.empty() || bytes >= limit ||
        !SameKind(buckets_.back()->members.front(), *parameter)) {
      buckets_.push_back(std::make_unique<Bucket>());
      bytes = 0;
    }
    buckets_.back()->members.push_back(*parameter);
    bytes += PaddedCount(*parameter) * parameter->element_size();
  }
  for (auto& bucket : buckets_) {
    int64_t count = 0;
    for (const auto& member : bucket->members) count += PaddedCount(member);
    bucket->values = torch::zeros({count}, bucket->members.front().options().requires_grad(false));
    int64_t offset = 0;
    for (auto& member : bucket->members) {
      member.mutable_grad() = bucket->values.narrow(0, offset, member.numel()).view(member.sizes());
      offset += PaddedCount(member);
    }
  }
}

void GradientReducer::AttachHooks() {
  for (size_t index = 0; index < buckets_.size(); ++index) {
    for (const auto& parameter : buckets_[index]->members) {
      torch::autograd::impl::set_post_acc_grad_hooks(parameter,
                                                     std::make_unique<Ready>(this, index));
    }
  }
}

void GradientReducer::ZeroGradients() {
  for (auto& bucket : buckets_) bucket->values.zero_();
  if (!buckets_.empty()) return;
  for (auto& parameter : parameters_) parameter.mutable_grad() = torch::Tensor();
}

void GradientReducer::ReduceNextBackward() {
  for (auto& bucket : buckets_) bucket->missing = bucket->members.size();
  next_to_send_ = 0;
  armed_ = true;
}

void GradientReducer::OnGradient(size_t bucket) {
  if (!armed_) return;
  --buckets_[bucket]->missing;
  while (next_to_send_ < buckets_.size() && buckets_[next_to_send_]->missing == 0) {
    Send(next_to_send_++);
  }
}

void GradientReducer::Send(size_t index) {
  const torch::NoGradGuard no_grad;
  Bucket& bucket = *buckets_[index];
  bucket.values.div_(communicator_.world());
  bucket.reduction = communicator_.StartAllReduce(bucket.values);
}

void GradientReducer::Finish() {
  if (!armed_) return;
  armed_ = false;
  for (auto& parameter : parameters_) {
    if (!parameter.grad().defined()) parameter.mutable_grad() = torch::zeros_like(parameter);
  }
  while (next_to_send_ < buckets_.size()) Send(next_to_send_++);
  for (auto& bucket : buckets_) {
    bucket->reduction->Wait();
    bucket->reduction.reset();
  }
}

int64_t GradientReducer::buckets() const { return static_cast<int64_t>(buckets_.size()); }

}  // namespace ocellus::dist
