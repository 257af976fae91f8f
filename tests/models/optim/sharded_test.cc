// A state spread over ranks changes no bit, and may be taken up by any number of ranks.
#include "models/optim/sharded.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "models/optim/adamw.h"
#include "models/optim/lars.h"
#include "models/optim/sgd.h"
#include "tests/models/ops/thread_ranks.h"
#include "worker/wire/fault.h"

namespace ocellus::models::optim {
namespace {

using Tensors = std::map<std::string, torch::Tensor>;

const std::map<std::string, std::vector<int64_t>> kShapes = {
    {"bias", {37}}, {"conv", {4, 3, 2, 2}}, {"empty", {0, 3}}, {"matrix", {30, 51}}, {"scale", {}}};

torch::Tensor Values(const std::string& name, double phase) {
  const auto& shape = kShapes.at(name);
  const torch::Tensor values =
      torch::sin(torch::arange(torch::empty(shape).numel(), torch::kFloat32) * 0.7 + phase);
  const torch::Tensor shaped = values.reshape(shape);
  return shape.size() == 4 ? shaped.contiguous(torch::MemoryFormat::ChannelsLast) : shaped;
}

struct State {
  Tensors parameters, averages, optimizer;
};

State Start() {
  State start;
  for (const auto& [name, shape] : kShapes) {
    start.parameters[name] = Values(name, 0.1);
    if (name != "bias") start.averages[name] = Values(name, 0.2);
  }
  return start;
}

Tensors Copies(const Tensors& tensors) {
  Tensors copies;
  for (const auto& [name, tensor] : tensors) copies[name] = tensor.clone();
  return copies;
}

// Steps [from, from + count) on one rank of `ranks`, from `start`.
State Train(const MakeInner& make, Collectives& ranks, const State& start, int from, int count) {
  State now{Copies(start.parameters), Copies(start.averages), {}};
  std::vector<NamedParameter> parameters;
  for (auto& [name, tensor] : now.parameters) {
    parameters.push_back({name, tensor.requires_grad_()});
  }
  const auto optimizer =
      ranks.world() > 1 ? MakeSharded(make, parameters, ranks) : make(parameters);
  if (!start.optimizer.empty()) optimizer->LoadState(start.optimizer);
  optimizer->Follow(now.averages);
  for (int step = from; step < from + count; ++step) {
    for (auto& [name, tensor] : parameters) {
      tensor.mutable_grad() = Values(name, 1.0 + step);
    }
    optimizer->Step(0.05, {.gradient_factor = torch::tensor(0.3f), .average_momentum = 0.9});
  }
  EXPECT_EQ(optimizer->steps(), from + count);
  optimizer->Gather();
  now.optimizer = Copies(optimizer->State());
  for (auto& [name, tensor] : now.parameters) tensor = tensor.detach();
  return now;
}

void ExpectSame(const State& got, const State& want) {
  const auto same = [](const Tensors& a, const Tensors& b) {
    ASSERT_EQ(a.size(), b.size());
    for (const auto& [name, tensor] : b) EXPECT_TRUE(torch::equal(a.at(name), tensor)) << name;
  };
  same(got.parameters, want.parameters);
  same(got.averages, want.averages);
  same(got.optimizer, want.optimizer);
}

std::vector<MakeInner> Optimizers() {
  return {[](auto parameters) { return MakeAdamW(parameters, {.weight_decay = 0.3}); },
          [](auto parameters) {
            return MakeLars(parameters, {.form = LarsForm::kMoco,
                                         .momentum = 0.9,
                                         .weight_decay = 0.1,
                                         .trust_coefficient = 0.01});
          },
          [](auto parameters) { return MakeSgd(parameters, {.momentum = 0.9}); }};
}

TEST(Sharded, ChangesNoBitOnAnyNumberOfRanks) {
  for (const MakeInner& make : Optimizers()) {
    SingleRank alone;
    const State want = Train(make, alone, Start(), 0, 4);
    for (const int world : {2, 3, 7}) {  // more ranks than tensors, too
      std::vector<State> got(world);
      ops::RunRanks(world, [&](Collectives& ranks) {
        got[ranks.rank()] = Train(make, ranks, Start(), 0, 4);
      });
      for (const State& state : got) ExpectSame(state, want);
    }
  }
}

TEST(Sharded, GoesOnFromAnotherNumberOfRanks) {
  for (const MakeInner& make : Optimizers()) {
    SingleRank alone;
    const State want = Train(make, alone, Start(), 0, 4);
    std::vector<State> half(3), rest(2);
    ops::RunRanks(
        3, [&](Collectives& ranks) { half[ranks.rank()] = Train(make, ranks, Start(), 0, 2); });
    ops::RunRanks(
        2, [&](Collectives& ranks) { rest[ranks.rank()] = Train(make, ranks, half[2], 2, 2); });
    ExpectSame(rest[1], want);
    ExpectSame(Train(make, alone, half[0], 2, 2), want);
  }
}

TEST(Sharded, KeepsAShareOfTheState) {
  // What a rank's own optimizer holds, by way of what it was made with.
  std::vector<int64_t> held(2, 0);
  ops::RunRanks(2, [&](Collectives& ranks) {
    std::vector<NamedParameter> parameters;
    for (int i = 0; i < 9; ++i) {
      parameters.push_back({std::to_string(i), torch::zeros({100 + i}).requires_grad_()});
    }
    const MakeInner make = [&](std::vector<NamedParameter> own) {
      for (const auto& [name, tensor] : own) {
        if (name != "probe") held[ranks.rank()] += tensor.numel();
      }
      return MakeAdamW(own, {});
    };
    MakeSharded(make, parameters, ranks);
  });
  EXPECT_EQ(held[0] + held[1], 9 * 100 + 36);
  EXPECT_LE(std::abs(held[0] - held[1]), 108);
}

TEST(Sharded, RefusesAStateOfAnotherModelAndOneNotGathered) {
  ops::RunRanks(2, [](Collectives& ranks) {
    std::vector<NamedParameter> parameters = {{"w", torch::zeros({4}).requires_grad_()}};
    const auto optimizer = MakeSharded(Optimizers()[0], parameters, ranks);
    EXPECT_THROW(optimizer->State(), std::logic_error);
    optimizer->Gather();
    Tensors state = optimizer->State();
    EXPECT_EQ(state.size(), 3u);
    state["exp_avg.w"] = torch::zeros({5});
    EXPECT_THROW(optimizer->LoadState(state), wire::Fault);
  });
}

TEST(Sharded, IsWhatTheDocumentAsksFor) {
  const auto made = [](bool shard, Collectives& ranks) {
    torch::nn::Linear module(2, 3);
    const nlohmann::json section = {{"sgd",
                                     {{"lr", 0.1},
                                      {"momentum", 0.0},
                                      {"weight_decay", 0.0},
                                      {"nesterov", false},
                                      {"decay_all", false},
                                      {"shard", shard}}}};
    const auto optimizer = MakeOptimizer(section, *module, &ranks);
    try {
      optimizer->State();
    } catch (const std::logic_error&) {
      return true;  // not gathered
    }
    return false;
  };
  ops::RunRanks(2, [&](Collectives& ranks) {
    EXPECT_TRUE(made(true, ranks));
    EXPECT_FALSE(made(false, ranks));
  });
  SingleRank alone;
  EXPECT_FALSE(made(true, alone));
}

}  // namespace
}  // namespace ocellus::models::optim
