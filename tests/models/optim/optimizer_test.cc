#include "models/optim/optimizer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "worker/wire/fault.h"

namespace ocellus::models::optim {
namespace {

using nlohmann::json;

json AdamW() {
  return {{"adamw",
           {{"base_lr", 1.5e-4},
            {"betas", {0.9, 0.95}},
            {"eps", 1e-8},
            {"weight_decay", 0.05},
            {"decay_all", false}}}};
}

std::string Message(const json& section) {
  torch::nn::Linear module(2, 2);
  try {
    MakeOptimizer(section, *module);
    PeakRate(section, 256);
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(fault.outcome(), "BAD_SPEC");
    return fault.what();
  }
  return "";
}

TEST(Optimizer, LeavesFrozenTensorsAlone) {
  torch::nn::Linear module(2, 3);
  module->bias.set_requires_grad(false);
  const auto optimizer = MakeOptimizer(AdamW(), *module);
  EXPECT_EQ(TrainableParameters(*module).size(), 1u);
  EXPECT_TRUE(optimizer->State().contains("exp_avg.weight"));
  EXPECT_FALSE(optimizer->State().contains("exp_avg.bias"));
}

TEST(Optimizer, ScalesTheBaseRate) {
  EXPECT_DOUBLE_EQ(PeakRate(AdamW(), 4096), 2.4e-3);
  EXPECT_DOUBLE_EQ(PeakRate({{"adamw", {{"lr", 0.25}}}}, 4096), 0.25);
}

TEST(Optimizer, NamesTheKeyAtFault) {
  EXPECT_EQ(Message(AdamW()), "");
  EXPECT_NE(Message({{"lion", json::object()}}).find("optimizer.lion"), std::string::npos);
  json without = AdamW();
  without["adamw"].erase("betas");
  EXPECT_NE(Message(without).find("betas"), std::string::npos);
  json both = AdamW();
  both["adamw"]["lr"] = 1.0;
  EXPECT_NE(Message(both).find("either lr or base_lr"), std::string::npos);
  json two = AdamW();
  two["sgd"] = json::object();
  EXPECT_NE(Message(two).find("exactly one"), std::string::npos);
}

}  // namespace
}  // namespace ocellus::models::optim
