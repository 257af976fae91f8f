#include "models/registry.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "worker/wire/fault.h"

namespace ocellus::models {
namespace {

TEST(Registry, KnowsTheObjectivesThatAreLinked) {
  const std::vector<std::string> names = ObjectiveNames();
  EXPECT_NE(std::find(names.begin(), names.end(), "mae"), names.end());
}

TEST(Registry, NamesAnUnknownObjectiveAndTheKnownOnes) {
  try {
    MakeObjective({{"objective", {{"mea", nlohmann::json::object()}}}}, torch::kCPU);
    FAIL();
  } catch (const wire::Fault& fault) {
    EXPECT_EQ(fault.outcome(), "BAD_SPEC");
    EXPECT_NE(std::string(fault.what()).find("objective.mea"), std::string::npos);
    EXPECT_NE(std::string(fault.what()).find("known: clip, mae, mocov3"), std::string::npos)
        << fault.what();
  }
}

TEST(Registry, RefusesTwoObjectives) {
  const nlohmann::json document = {{"objective", {{"mae", 1}, {"clip", 1}}}};
  EXPECT_THROW(MakeObjective(document, torch::kCPU), wire::Fault);
}

TEST(RegistryDeathTest, ASecondOneOfTheSameNameAborts) {
  const auto factory = [](const nlohmann::json&, torch::Device) {
    return std::unique_ptr<Objective>();
  };
  EXPECT_DEATH(RegisterObjective("mae", factory), "two objectives are called 'mae'");
}

}  // namespace
}  // namespace ocellus::models
