#include "tests/models/ops/thread_ranks.h"

#include <barrier>
#include <exception>
#include <thread>
#include <vector>

namespace ocellus::models::ops {
namespace {

struct Meeting {
  explicit Meeting(int world) : barrier(world), tensors(static_cast<size_t>(world)) {}
  std::barrier<> barrier;
  std::vector<torch::Tensor> tensors;
};

class ThreadRank final : public Collectives {
 public:
  ThreadRank(int rank, Meeting& meeting) : rank_(rank), meeting_(meeting) {}
  int rank() const override { return rank_; }
  int world() const override { return static_cast<int>(meeting_.tensors.size()); }

  void all_reduce_sum(torch::Tensor& tensor) override {
    const torch::Tensor sum = Exchange(
        tensor, [](const std::vector<torch::Tensor>& all) { return torch::stack(all).sum(0); });
    tensor.copy_(sum);
  }

  torch::Tensor all_gather(const torch::Tensor& tensor) override {
    return Exchange(tensor, [](const std::vector<torch::Tensor>& all) { return torch::cat(all); });
  }

 private:
  torch::Tensor Exchange(
      const torch::Tensor& tensor,
      const std::function<torch::Tensor(const std::vector<torch::Tensor>&)>& join) {
    const torch::NoGradGuard no_grad;
    meeting_.tensors[static_cast<size_t>(rank_)] = tensor.detach().clone();
    meeting_.barrier.arrive_and_wait();
    const torch::Tensor joined = join(meeting_.tensors);
    meeting_.barrier.arrive_and_wait();
    return joined;
  }

  int rank_;
  Meeting& meeting_;
};

}  // namespace

void RunRanks(int world, const std::function<void(Collectives&)>& body) {
  Meeting meeting(world);
  std::vector<std::exception_ptr> errors(static_cast<size_t>(world));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < world; ++rank) {
    threads.emplace_back([&, rank] {
      ThreadRank collectives(rank, meeting);
      try {
        body(collectives);
      } catch (...) {
        errors[static_cast<size_t>(rank)] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace ocellus::models::ops
