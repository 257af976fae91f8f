#include "models/optim/sharded.h"

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>

#include "models/optim/flat_list.h"
#include "models/optim/state_check.h"

namespace ocellus::models::optim {
namespace {

constexpr int64_t kPiece = int64_t{4} << 20;  // numbers of a rank in one exchange
constexpr char kStepName[] = "step";

using Tensors = std::map<std::string, torch::Tensor>;

// The rank of each parameter: the largest first, to whoever has least.
std::vector<int> Owners(const std::vector<NamedParameter>& parameters, int world) {
  std::vector<size_t> order(parameters.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return parameters[a].tensor.numel() > parameters[b].tensor.numel();
  });
  std::vector<int64_t> load(world, 0);
  std::vector<int> owners(parameters.size());
  for (const size_t i : order) {
    const auto least = std::min_element(load.begin(), load.end());
    owners[i] = static_cast<int>(least - load.begin());
    *least += parameters[i].tensor.numel();
  }
  return owners;
}

// The "<kind>." of an optimizer's state.
std::vector<std::string> KindsOf(const MakeInner& make) {
  std::vector<std::string> kinds;
  const auto probe = make({{"probe", torch::zeros({1})}});
  for (const auto& [name, tensor] : probe->State()) {
    if (name != kStepName)
      kinds.push_back(name.substr(0, name.size() - std::string("probe").size()));
  }
  return kinds;
}

// What each rank has in its list goes into the lists of that rank everywhere.
void Exchange(std::vector<FlatList>& lists, torch::Device device, Collectives& ranks) {
  int64_t longest = 0;
  for (const FlatList& list : lists) longest = std::max(longest, list.size());
  for (int64_t begin = 0; begin < longest; begin += kPiece) {
    const int64_t count = std::min(kPiece, longest - begin);
    const torch::Tensor own = torch::zeros({count}, torch::TensorOptions().device(device));
    lists[ranks.rank()].Read(begin, own);
    const torch::Tensor all = ranks.all_gather(own);
    for (int rank = 0; rank < ranks.world(); ++rank) {
      if (rank != ranks.rank()) lists[rank].Write(begin, all.narrow(0, rank * count, count));
    }
  }
}

class Sharded final : public Optimizer {
 public:
  Sharded(const MakeInner& make, std::vector<NamedParameter> parameters, Collectives& ranks)
      : ranks_(ranks),
        parameters_(std::move(parameters)),
        owners_(Owners(parameters_, ranks.world())),
        kinds_(KindsOf(make)),
        moved_(ranks.world()) {
    std::vector<NamedParameter> own;
    for (size_t i = 0; i < parameters_.size(); ++i) {
      moved_[owners_[i]].Add(parameters_[i].tensor);
      if (IsOwn(i)) own.push_back(parameters_[i]);
    }
    inner_ = make(std::move(own));
  }

  using Optimizer::Step;
  void Step(double lr, const StepOptions& options) override {
    const torch::NoGradGuard no_grad;
    whole_.clear();
    inner_->Step(lr, options);
    Exchange(moved_, device(), ranks_);
  }

  void Follow(const Tensors& averages) override {
    Tensors own;
    for (size_t i = 0; i < parameters_.size(); ++i) {
      const auto average = averages.find(parameters_[i].name);
      if (average == averages.end()) continue;
      moved_[owners_[i]].Add(average->second);
      if (IsOwn(i)) own.insert(*average);
    }
    inner_->Follow(own);
  }

  int64_t steps() const override { return inner_->steps(); }

  void Gather() override {
    if (IsGathered()) return;
    const torch::NoGradGuard no_grad;
    Tensors own = inner_->State();
    whole_ = Expected();
    for (const std::string& kind : kinds_) {
      std::vector<FlatList> lists(ranks_.world());
      for (size_t i = 0; i < parameters_.size(); ++i) {
        torch::Tensor& there = whole_.at(kind + parameters_[i].name);
        if (IsOwn(i)) there.copy_(own.at(kind + parameters_[i].name));
        lists[owners_[i]].Add(there);
      }
      Exchange(lists, device(), ranks_);
    }
    whole_[kStepName] = own.at(kStepName).to(torch::kCPU, torch::kInt64, false, /*copy=*/true);
  }

  Tensors State() const override {
    if (!IsGathered()) throw std::logic_error("a sharded optimizer's state was not gathered");
    return whole_;
  }

  Tensors OwnState() const override { return inner_->OwnState(); }

  void LoadState(const Tensors& state) override {
    CheckState(Expected(), state, "the optimizer state");
    whole_.clear();
    Tensors own = {{kStepName, state.at(kStepName)}};
    for (const std::string& kind : kinds_) {
      for (size_t i = 0; i < parameters_.size(); ++i) {
        const std::string name = kind + parameters_[i].name;
        if (IsOwn(i)) own[name] = state.at(name);
      }
    }
    inner_->LoadState(own);
  }

 private:
  bool IsOwn(size_t i) const { return owners_[i] == ranks_.rank(); }
  // Steps may also be repeated without a call of Step (worker/trainer/step_graph.h).
  bool IsGathered() const {
    return !whole_.empty() && whole_.at(kStepName).item<int64_t>() == steps();
  }
  torch::Device device() const { return parameters_.at(0).tensor.device(); }

  // The whole state's tensors on the host, of any values.
  Tensors Expected() const {
    Tensors expected;
    for (const std::string& kind : kinds_) {
      for (const NamedParameter& parameter : parameters_) {
        expected[kind + parameter.name] =
            torch::empty_like(parameter.tensor.detach(), torch::TensorOptions(torch::kCPU));
      }
    }
    expected[kStepName] = torch::tensor(int64_t{0}, torch::kInt64);
    return expected;
  }

  Collectives& ranks_;
  std::vector<NamedParameter> parameters_;
  std::vector<int> owners_;
  std::vector<std::string> kinds_;
  std::vector<FlatList> moved_;  // by rank: its parameters, and the averages that follow them
  std::unique_ptr<Optimizer> inner_;
  Tensors whole_;
};

}  // namespace

std::unique_ptr<Optimizer> MakeSharded(const MakeInner& make,
                                       std::vector<NamedParameter> parameters, Collectives& ranks) {
  return std::make_unique<Sharded>(make, std::move(parameters), ranks);
}

}  // namespace ocellus::models::optim
