#include "worker/trainer/history.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace ocellus::trainer {
namespace {

HistoryRecord Record(int64_t step, double loss) { return {step, loss, 0.001, 0.1 * step, false}; }

TEST(History, ComesBackToTheLastBit) {
  History history(10);
  for (int64_t step = 1; step <= 5; ++step) history.Add(Record(step, 1.0 / 3.0 / step));
  History again(10);
  again.Restore(history.ToText(), 5);
  EXPECT_EQ(again.ToText(), history.ToText());
  EXPECT_EQ(again.records()[2].loss, 1.0 / 3.0 / 3);
}

TEST(History, HasTheChanceLevelOnEveryLine) {
  History history(10, 6.5);
  history.Add(Record(1, 2));
  EXPECT_NE(history.ToText().find("\"chance_loss\":6.5"), std::string::npos);
  History again(10, 6.5);
  again.Restore(history.ToText(), 5);
  EXPECT_EQ(again.ToText(), history.ToText());
}

TEST(History, IsCutToTheRestoredStep) {
  History history(10);
  for (int64_t step = 1; step <= 5; ++step) history.Add(Record(step, 1));
  History again(10);
  again.Restore(history.ToText(), 3);
  ASSERT_EQ(again.records().size(), 3u);
  EXPECT_EQ(again.records().back().step, 3);
}

TEST(History, KeepsThatALossWasNotFinite) {
  History history(2);
  history.Add({1, std::numeric_limits<double>::quiet_NaN(), 0.1, 1, true});
  History again(2);
  again.Restore(history.ToText(), 1);
  EXPECT_TRUE(std::isnan(again.records().at(0).loss));
  EXPECT_TRUE(again.records().at(0).skipped);
}

TEST(History, PassesOverLinesThatAreCut) {
  History again(10);
  again.Restore("{\"step\":1,\"loss\":2,\"lr\":0,\"grad_norm\":1,\"skipped\":false}\n{\"ste", 5);
  EXPECT_EQ(again.records().size(), 1u);
}

TEST(History, OfALongRunStaysShort) {
  History history(1'000'000);
  for (int64_t step = 1; step <= 1'000'000; ++step) history.Add(Record(step, 1));
  EXPECT_LE(history.records().size(), 10'000u);
  EXPECT_GE(history.records().size(), 5'000u);
}

}  // namespace
}  // namespace ocellus::trainer
